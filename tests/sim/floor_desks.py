"""What agents, their phones and their supervisors do, drawn for a teller."""

from router import facts
from router.acd.place import Place
from router.agent import AgentState
from router.facts import Fact
from router.ids import (
    AgentId,
    RecordingId,
)
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from tests.sim.floor_cast import (
    AGENTS,
    NUMBERS,
    QUEUES,
    SKILLS,
    SUPERVISORS,
)
from tests.sim.floor_names import FactMakers, Names


class DeskFacts:
    def __init__(self, names: Names) -> None:
        self._names, self._rng = names, names.rng

    def makers(self) -> FactMakers:
        return (
            (4, lambda: facts.LegRang(leg_id=self._names.leg())),
            (9, lambda: facts.LegAnswered(leg_id=self._names.leg())),
            (2, lambda: facts.LegFailed(leg_id=self._names.leg(), reason=self._names.failure())),
            (1, lambda: facts.LegHungUp(leg_id=self._names.leg())),
            (4, self.logged_in),
            (1, lambda: facts.AgentLoggedOut(agent_id=self._names.agent())),
            (9, lambda: facts.AgentBecameReady(agent_id=self._names.agent())),
            (1, lambda: facts.AgentBecameNotReady(agent_id=self._names.agent(), reason="TEA")),
            (1, lambda: facts.AgentBecameUnreachable(agent_id=self._names.agent(), reason="DESK")),
            (1, lambda: facts.PhoneLost(agent_id=self._names.agent(), reason="PHONE")),
            (2, self._reach_changed),
            (2, lambda: facts.WrapupFinished(agent_id=self._names.busy_agent())),
            (2, lambda: facts.HoldAsked(agent_id=self._names.busy_agent())),
            (2, lambda: facts.ResumeAsked(agent_id=self._names.busy_agent())),
            (3, self.transfer_asked),
            (1, lambda: facts.HangUpAsked(agent_id=self._names.busy_agent())),
            (6, self.consult_asked),
            (2, lambda: facts.CompleteAsked(agent_id=self._names.busy_agent())),
            (2, lambda: facts.CancelAsked(agent_id=self._names.busy_agent())),
            (3, lambda: facts.MergeAsked(agent_id=self._names.busy_agent())),
            (2, self.pickup_asked),
            (3, self.recording_asked),
            (1, self.recording_finished),
            (3, self.supervise_asked),
            (1, lambda: facts.SupervisionEndAsked(supervisor=self._rng.choice(SUPERVISORS))),
        )

    def logged_in(self) -> Fact:
        skills = frozenset(self._rng.sample(SKILLS, self._rng.randint(1, 2)))
        return facts.AgentLoggedIn(agent_id=self._names.agent(), skills=skills)

    def transfer_asked(self) -> Fact:
        if self._rng.random() < 0.5:
            return facts.TransferAsked(agent_id=self._names.busy_agent(), to_queue=self._rng.choice(QUEUES))
        ready = [a.agent_id for a in self._names.floor.agents() if a.state is AgentState.READY]
        return facts.TransferAsked(
            agent_id=self._names.busy_agent(), to_agent=self._names.one_of(ready, (None, *AGENTS))
        )

    def consult_asked(self) -> Fact:
        ready = [a.agent_id for a in self._names.floor.agents() if a.state is AgentState.READY]
        return facts.ConsultAsked(
            agent_id=self._names.busy_agent(), to_agent=self._names.one_of(ready, AGENTS)
        )

    def recording_asked(self) -> Fact:
        return facts.RecordingAsked(
            agent_id=self._names.busy_agent(), act=self._rng.choice(list(RecordingAct))
        )

    def recording_finished(self) -> Fact:
        running = [each.recording_id for each in self._names.parts.recordings]
        recording_id = self._names.one_of(running, (RecordingId("nobody's"),))
        return facts.RecordingFinished(recording_id=recording_id, duration_ms=self._rng.randint(0, 9_000))

    def pickup_asked(self) -> Fact:
        idle = (AgentState.READY, AgentState.NOT_READY)
        agent_id = self._names.one_of(
            [a.agent_id for a in self._names.floor.agents() if a.state in idle], AGENTS
        )
        if self._rng.random() < 0.5:
            return facts.PickupAsked(agent_id=agent_id, from_queue=self._rng.choice(QUEUES))
        ringing = [a.agent_id for a in self._names.floor.agents() if a.state is AgentState.RINGING]
        return facts.PickupAsked(agent_id=agent_id, from_agent=self._names.one_of(ringing, (None, *AGENTS)))

    def supervise_asked(self) -> Fact:
        supervisor = self._rng.choice(SUPERVISORS)
        return facts.SuperviseAsked(
            supervisor=supervisor,
            phone=AgentId(f"home/{supervisor}"),
            agent_id=self._names.busy_agent(),
            mode=self._rng.choice(list(SupervisionMode)),
        )

    def _reach_changed(self) -> Fact:
        places = [
            Place(
                number=self._rng.choice((None, *NUMBERS)),
                ring_limit_ms=self._rng.choice((None, 1_000, 20_000)),
            )
            for _ in range(self._rng.randrange(4))
        ]
        return facts.ReachChanged(agent_id=self._names.agent(), places=tuple(places))
