"""A PBX that answers nothing: who is kept from calls meanwhile, and is idle again afterwards.

What it holds may live on, and talks with it. But it rings no phone and dials no site, so no agent
may be offered or promised to anybody; an agent who is kept back for that has done nothing wrong,
and has nothing to say when the PBX answers again.
"""

from router.acd.roster import Agent, Roster
from router.agent import AgentState
from router.turn import Turn

PBX_SILENT = "PBX_SILENT"
"""The reason of agents' states and of hand-offs that came to nothing."""


class PbxSilence:
    """Whether the site's PBX is silent now."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self.is_on = False

    def begin(self, turn: Turn) -> None:
        """Whoever is idle is kept back at once; whoever rings, so that a ring in vain is not its fault."""
        self.is_on = True
        for agent in list(self._roster):
            is_offered = agent.state is AgentState.RINGING and agent.after_call is None
            if agent.state is AgentState.READY or is_offered:
                self.keep_back(turn, agent)

    def keep_back(self, turn: Turn, agent: Agent) -> None:
        """No call for this agent until the PBX answers."""
        self._roster.make_not_ready(turn, agent, AgentState.UNREACHABLE, PBX_SILENT)

    def end(self, turn: Turn) -> None:
        """It answers: who was kept back is idle, also one whom an earlier process of ours kept back."""
        self.is_on = False
        for agent in self._kept_back():
            self._roster.make_ready(turn, agent)

    def pbx_died(self, turn: Turn, reason: str) -> None:
        """Of a dead PBX's phones nobody knows who sits beside them, until the agents say so."""
        for agent in self._kept_back():
            self._roster.make_not_ready(turn, agent, AgentState.UNREACHABLE, reason)

    def _kept_back(self) -> list[Agent]:
        return [each for each in self._roster if _is_kept_back(each)]


def _is_kept_back(agent: Agent) -> bool:
    if agent.after_call is not None:
        return (agent.after_call, agent.after_call_reason) == (AgentState.UNREACHABLE, PBX_SILENT)
    return (agent.state, agent.reason) == (AgentState.UNREACHABLE, PBX_SILENT)
