"""The agents of one site as people: they come and go by the roster, and say that they are ready."""

from router import facts
from router.agent import AgentState
from router.ids import AgentId, Skills
from router.world.loop import Loop
from router.world.node import Node

LOOK_PERIOD_MS = 10_000
"""So long an agent who missed a call, or whose node was away, takes to say ready again."""

_AWAY = frozenset({AgentState.NOT_READY, AgentState.MISSED, AgentState.UNREACHABLE})


class Crew:
    def __init__(self, node: Node, skills: Skills, loop: Loop) -> None:
        self._node = node
        self._skills = skills
        self._loop = loop
        self._on_duty: dict[AgentId, None] = {}

    def change_shift(self, count: int) -> None:
        """From now on so many are on duty: agents 1 to `count`."""
        names = [AgentId(f"{self._node.site_id}/{number}") for number in range(1, count + 1)]
        leaving = [agent_id for agent_id in self._on_duty if agent_id not in names]
        self._on_duty = dict.fromkeys(names)
        for agent_id in leaving:
            self._leave(agent_id)
        self.look()

    def look_periodically(self) -> None:
        self.look()
        self._loop.after(LOOK_PERIOD_MS, self.look_periodically)

    def look(self) -> None:
        """Log in who should be there, send home who should not, and say ready where away."""
        floor = self._node.floor
        if floor is None:
            return
        there = {agent.agent_id: agent.state for agent in floor.agents()}
        for agent_id in self._on_duty:
            if agent_id not in there:
                self._node.tell(facts.AgentLoggedIn(agent_id=agent_id, skills=self._skills))
                self._node.tell(facts.AgentBecameReady(agent_id=agent_id))
            elif there[agent_id] in _AWAY:
                self._node.tell(facts.AgentBecameReady(agent_id=agent_id))
        for agent_id in there:
            if agent_id not in self._on_duty:
                self._leave(agent_id)

    def _leave(self, agent_id: AgentId) -> None:
        floor = self._node.floor
        if floor is not None and floor.agent(agent_id) is not None:
            self._node.tell(facts.AgentLoggedOut(agent_id=agent_id))
