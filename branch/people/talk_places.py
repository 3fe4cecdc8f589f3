"""What agents and supervisors do with talks from their desks, told to the floor.

As at `Workplaces` an agent's act names the leg that the agent saw.
"""

from contextlib import suppress

from branch.people.workplaces import TALKING, DeskFloor, leg_in_hand
from router.errors import WrongStateError
from router.facts import (
    CancelAsked,
    CompleteAsked,
    ConsultAsked,
    MergeAsked,
    PickupAsked,
    RecordingAsked,
    SuperviseAsked,
    SupervisionEndAsked,
)
from router.ids import AgentId, LegId, QueueId, SiteId
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode


class TalkPlaces:
    """Talks of the site that more than one of its people may be in."""

    def __init__(self, *, floor: DeskFloor, site_id: SiteId) -> None:
        self._floor = floor
        self._site_id = site_id

    # --- agents -------------------------------------------------------------------------

    def consult(self, agent_id: AgentId, leg_id: LegId, to_agent: AgentId) -> None:
        """Hold the caller and ring a colleague."""
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(ConsultAsked(agent_id=agent_id, to_agent=to_agent))

    def complete(self, agent_id: AgentId, leg_id: LegId) -> None:
        """Leave the caller to the colleague."""
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(CompleteAsked(agent_id=agent_id))

    def cancel(self, agent_id: AgentId, leg_id: LegId) -> None:
        """Take the caller back, without the colleague."""
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(CancelAsked(agent_id=agent_id))

    def merge(self, agent_id: AgentId, leg_id: LegId) -> None:
        """Talk with both together."""
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(MergeAsked(agent_id=agent_id))

    def pick_up(self, agent_id: AgentId, *, from_queue: QueueId | None, from_agent: AgentId | None) -> None:
        """Take a call that rings elsewhere, or waits."""
        self._floor.handle(PickupAsked(agent_id=agent_id, from_queue=from_queue, from_agent=from_agent))

    def record(self, agent_id: AgentId, leg_id: LegId, act: RecordingAct) -> None:
        """Record the talk, or not, or not for a while."""
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(RecordingAsked(agent_id=agent_id, act=act))

    # --- supervisors --------------------------------------------------------------------

    def supervise(self, supervisor: str, agent_id: AgentId, mode: SupervisionMode, phone: str | None) -> None:
        """Ring the supervisor's phone, the one named after the person where none is said."""
        name = (phone or supervisor).removeprefix(f"{self._site_id}/")
        self._floor.handle(
            SuperviseAsked(
                supervisor=supervisor,
                phone=AgentId(f"{self._site_id}/{name}"),
                agent_id=agent_id,
                mode=mode,
            )
        )

    def end_supervision(self, supervisor: str) -> None:
        """Leave the talk."""
        self._floor.handle(SupervisionEndAsked(supervisor=supervisor))

    def leave(self, supervisor: str) -> None:
        """The person logs out, beside a talk or not."""
        with suppress(WrongStateError):
            self.end_supervision(supervisor)
