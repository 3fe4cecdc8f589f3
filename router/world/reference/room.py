"""One room: agents by what they can serve, and callers in the order in which they joined it."""

from collections import deque
from dataclasses import dataclass, field

from router.ids import QueueId, SiteId, Skill, Skills
from router.world.day.calls import PlannedCall

Island = SiteId | None
"""A site that is cut off for a part of the day; None: all the others together."""


@dataclass(slots=True)
class Caller:
    """A caller's way through rooms."""

    call: PlannedCall
    island: Island = None
    room: "Room | None" = None
    """Where it waits; None on the way between rooms and once an agent is found."""
    joined: int = 0
    """Its place: the room's serial when it joined the tail."""
    group: "Group | None" = None
    """Whose agent rings or talks."""
    is_answered: bool = False
    is_gone: bool = False
    has_moved: bool = False


@dataclass(slots=True)
class Group:
    """Agents with the same skills; None serves all."""

    room: "Room"
    island: Island
    skills: Skills | None
    staffed: int
    idle: int = 0
    leaving: int = 0
    """Shift is over, still with a call."""

    def serves(self, queue_id: QueueId) -> bool:
        return self.skills is None or Skill(queue_id) in self.skills


@dataclass(slots=True)
class Room:
    site_id: SiteId | None = None
    """None for the pooled room of all sites."""
    groups: list[Group] = field(default_factory=list)
    apart: set[SiteId] = field(default_factory=set)
    """Islands that are cut off now: their callers and agents have only each other."""
    _queues: dict[tuple[QueueId, Island], deque[Caller]] = field(default_factory=dict)
    _serial: int = 0
    waiting: int = 0

    @property
    def idle(self) -> int:
        return sum(group.idle for group in self.groups)

    @property
    def staffed(self) -> int:
        return sum(group.staffed for group in self.groups)

    def add(self, skills: Skills | None, agents: int, island: Island = None) -> Group:
        """The group of these skills, grown by so many idle agents; the least able groups come first."""
        for group in self.groups:
            if group.skills == skills and group.island == island:
                group.staffed += agents
                group.idle += agents
                return group
        group = Group(room=self, island=island, skills=skills, staffed=agents, idle=agents)
        self.groups.append(group)
        self.groups.sort(key=lambda each: (each.skills is None, len(each.skills or ())))
        return group

    def idle_group(self, queue_id: QueueId, island: Island = None) -> Group | None:
        """Of the least able agents that can serve, so that the versatile stay free."""
        return next(
            (group for group in self.groups if group.idle > 0 and self._may_serve(group, queue_id, island)),
            None,
        )

    def join(self, caller: Caller) -> None:
        self._serial += 1
        caller.joined = self._serial
        caller.room = self
        self.waiting += 1
        self._queues.setdefault((caller.call.queue_id, caller.island), deque()).append(caller)

    def leave(self, caller: Caller) -> None:
        """Gone or moved; dropped from the queue when its head is next looked at."""
        caller.room = None
        self.waiting -= 1

    def take_next(self, group: Group) -> Caller | None:
        """The caller that joined first, of all that `group` can serve."""
        queues = (queue for kind, queue in self._queues.items() if self._may_serve(group, *kind))
        heads = [head for queue in queues if (head := self._head(queue))]
        if not heads:
            return None
        first = min(heads, key=lambda caller: caller.joined)
        self._queues[first.call.queue_id, first.island].popleft()
        self.leave(first)
        return first

    def _may_serve(self, group: Group, queue_id: QueueId, island: Island) -> bool:
        is_apart = group.island != island and not self.apart.isdisjoint((group.island, island))
        return group.serves(queue_id) and not is_apart

    def _head(self, queue: deque[Caller]) -> Caller | None:
        while queue and queue[0].room is not self:
            queue.popleft()
        return queue[0] if queue else None
