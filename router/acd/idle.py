"""Idle agents, in every order that a queue's distribution asks for.

Agents with the same skills stand in one group, so finding one costs a look at each group's
head and not at each agent.
"""

from bisect import bisect_left, bisect_right, insort

from router.acd.policy import Distribution
from router.ids import AgentId, Skills
from router.values import value


@value
class IdlePlace:
    """An agent's place in each order; the smallest comes first."""

    longest_idle: tuple[int, int]
    """(idle since, serial): given back unchanged after a failed reservation."""
    position: int
    """The fixed place for hunting, by the order of first login."""
    occupancy_ppm: int
    """Busy share of the session, in millionths, when it became idle."""


_Key = tuple[int, int]


_HUNT = Distribution.CIRCULAR_HUNT

_ORDER_OF = {each: each for each in Distribution} | {Distribution.RING_ALL: Distribution.LONGEST_IDLE}


def _key(order: Distribution, place: IdlePlace) -> _Key:
    if order is Distribution.LONGEST_IDLE:
        return place.longest_idle
    if order is _HUNT:
        return (place.position, 0)
    return (place.occupancy_ppm, place.longest_idle[1])


class IdleAgents:
    """The idle agents of one site."""

    def __init__(self) -> None:
        self._orders: tuple[Distribution, ...] = (Distribution.LONGEST_IDLE,)
        self._groups: dict[Skills, dict[Distribution, list[tuple[_Key, AgentId]]]] = {}
        self._places: dict[AgentId, tuple[Skills, IdlePlace]] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, agent_id: AgentId) -> bool:
        return agent_id in self._places

    def keep_orders(self, distributions: set[Distribution]) -> None:
        """Keep the orders that the queues in use need; a changed policy calls this."""
        wanted = {Distribution.LONGEST_IDLE} | (distributions - {Distribution.RING_ALL})
        self._orders = tuple(d for d in Distribution if d in wanted)
        places, self._places, self._groups = self._places, {}, {}
        for agent_id, (skills, place) in places.items():
            self.add(agent_id, skills, place)

    def add(self, agent_id: AgentId, skills: Skills, place: IdlePlace) -> None:
        assert agent_id not in self._places, f"{agent_id} is idle already"
        self._places[agent_id] = (skills, place)
        group = self._groups.get(skills)
        if group is None:
            group = self._groups[skills] = {order: [] for order in self._orders}
        for order, line in group.items():
            insort(line, (_key(order, place), agent_id))

    def remove(self, agent_id: AgentId) -> None:
        skills, place = self._places.pop(agent_id)
        for order, line in self._groups[skills].items():
            at = bisect_left(line, (_key(order, place), agent_id))
            assert line[at][1] == agent_id
            del line[at]

    def count(self, skills: Skills) -> int:
        """How many idle agents have all of `skills`."""
        return sum(len(group[Distribution.LONGEST_IDLE]) for group in self._serving(skills))

    def choose(self, skills: Skills, distribution: Distribution, hunt_after: int = -1) -> AgentId | None:
        """The agent whose turn it is, or None.

        Args:
            skills: all that the agent must have.
            distribution: the queue's; ring-all gives the longest idle first.
            hunt_after: position of the agent rung last; hunting goes on behind it.
        """
        order = _ORDER_OF[distribution]
        if order is _HUNT:
            return self._hunt(skills, hunt_after)
        heads = [line[0] for group in self._serving(skills) if (line := group[order])]
        return min(heads)[1] if heads else None

    def longest_idle(self, skills: Skills, count: int) -> list[AgentId]:
        """Up to `count` agents, the longest idle first."""
        lines = [group[Distribution.LONGEST_IDLE] for group in self._serving(skills)]
        heads = sorted(entry for line in lines for entry in line[:count])
        return [agent_id for _, agent_id in heads[:count]]

    def _hunt(self, skills: Skills, after: int) -> AgentId | None:
        best: tuple[bool, tuple[_Key, AgentId]] | None = None
        for group in self._serving(skills):
            line = group[Distribution.CIRCULAR_HUNT]
            if not line:
                continue
            at = bisect_right(line, (after, 1), key=lambda entry: entry[0])
            wrapped = at == len(line)
            entry = (wrapped, line[0 if wrapped else at])
            if best is None or entry < best:
                best = entry
        return best[1][1] if best else None

    def _serving(self, skills: Skills) -> list[dict[Distribution, list[tuple[_Key, AgentId]]]]:
        return [group for have, group in self._groups.items() if skills <= have]
