"""Tells one floor mostly of talks: callers who stay, colleagues who answer, and whatever they ask for."""

from router import facts
from router.facts import Fact
from tests.sim.floor_callers import CallerFacts
from tests.sim.floor_cast import AGENTS, SKILLS, SUPERVISORS
from tests.sim.floor_desks import DeskFacts
from tests.sim.floor_names import FactMakers
from tests.sim.floor_teller import Teller


class TalkTeller(Teller):
    """As `Teller`, with little of what ends a talk from outside."""

    restart_share = 0.02
    pause_share = 0.1
    pauses_ms = (1, 200, 1_000, 2_000)

    def _makers(self) -> FactMakers:
        names, callers, desks = self._names, CallerFacts(self._names), DeskFacts(self._names)
        return (
            (4, callers.call_arrived),
            (1, lambda: facts.CallerHungUp(call_id=names.call())),
            (14, lambda: facts.LegAnswered(leg_id=names.leg())),
            (1, lambda: facts.LegFailed(leg_id=names.leg(), reason=names.failure())),
            (1, lambda: facts.LegHungUp(leg_id=names.leg())),
            (3, self._logged_in_with_all_skills),
            (12, lambda: facts.AgentBecameReady(agent_id=names.agent())),
            (1, lambda: facts.AgentBecameNotReady(agent_id=names.agent(), reason="TEA")),
            (2, lambda: facts.WrapupFinished(agent_id=names.busy_agent())),
            (3, lambda: facts.HoldAsked(agent_id=names.busy_agent())),
            (3, lambda: facts.ResumeAsked(agent_id=names.busy_agent())),
            (1, desks.transfer_asked),
            (1, lambda: facts.HangUpAsked(agent_id=names.busy_agent())),
            (10, desks.consult_asked),
            (3, lambda: facts.CompleteAsked(agent_id=names.busy_agent())),
            (1, lambda: facts.CancelAsked(agent_id=names.busy_agent())),
            (4, lambda: facts.MergeAsked(agent_id=names.busy_agent())),
            (3, desks.pickup_asked),
            (6, desks.recording_asked),
            (1, desks.recording_finished),
            (6, desks.supervise_asked),
            (1, lambda: facts.SupervisionEndAsked(supervisor=self.rng.choice(SUPERVISORS))),
        )

    def _logged_in_with_all_skills(self) -> Fact:
        return facts.AgentLoggedIn(agent_id=self.rng.choice(AGENTS), skills=frozenset(SKILLS))
