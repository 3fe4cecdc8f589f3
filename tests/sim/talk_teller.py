"""Tells one floor mostly of talks: callers who stay, colleagues who answer, and whatever they ask for."""

from router import facts
from router.facts import Fact
from tests.sim.floor_cast import AGENTS, SKILLS, SUPERVISORS
from tests.sim.floor_teller import Teller


class TalkTeller(Teller):
    """As `Teller`, with little of what ends a talk from outside."""

    restart_share = 0.02
    pause_share = 0.1
    pauses_ms = (1, 200, 1_000, 2_000)

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._facts = (
            (4, self._call_arrived),
            (1, lambda: facts.CallerHungUp(call_id=self._call())),
            (14, lambda: facts.LegAnswered(leg_id=self._leg())),
            (1, lambda: facts.LegFailed(leg_id=self._leg(), reason=self._failure())),
            (1, lambda: facts.LegHungUp(leg_id=self._leg())),
            (3, self._logged_in_with_all_skills),
            (12, lambda: facts.AgentBecameReady(agent_id=self._agent())),
            (1, lambda: facts.AgentBecameNotReady(agent_id=self._agent(), reason="TEA")),
            (2, lambda: facts.WrapupFinished(agent_id=self._busy_agent())),
            (3, lambda: facts.HoldAsked(agent_id=self._busy_agent())),
            (3, lambda: facts.ResumeAsked(agent_id=self._busy_agent())),
            (1, self._transfer_asked),
            (1, lambda: facts.HangUpAsked(agent_id=self._busy_agent())),
            (10, self._consult_asked),
            (3, lambda: facts.CompleteAsked(agent_id=self._busy_agent())),
            (1, lambda: facts.CancelAsked(agent_id=self._busy_agent())),
            (4, lambda: facts.MergeAsked(agent_id=self._busy_agent())),
            (3, self._pickup_asked),
            (6, self._recording_asked),
            (1, self._recording_finished),
            (6, self._supervise_asked),
            (1, lambda: facts.SupervisionEndAsked(supervisor=self.rng.choice(SUPERVISORS))),
        )

    def _logged_in_with_all_skills(self) -> Fact:
        return facts.AgentLoggedIn(agent_id=self.rng.choice(AGENTS), skills=frozenset(SKILLS))
