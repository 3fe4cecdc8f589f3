"""Waiting calls in the order in which they must be served.

The order is fixed when a call is queued: time of the first request for a person, less a
head start for its priority class. RONA, a failed hand-off and a transfer put a call back
where it was, because its key does not change.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from router.ids import CallId, Instant, QueueId, Skills

Seniority = tuple[int, int, int]
"""(queued at, less the head start; priority, negated: VIP first among equals; arrival number)."""


def seniority(queued_at: Instant, priority: int, serial: int, head_start_ms: int) -> Seniority:
    return (queued_at - priority * head_start_ms, -priority, serial)


@dataclass(slots=True)
class _Place:
    seniority: Seniority
    queue_id: QueueId
    skills: Skills
    queued_at: Instant
    is_dialled: bool


class _Line:
    """Calls of one queue that want the same skills, the free apart from the dialled ones."""

    __slots__ = ("dialled", "free", "queue_id", "skills")

    def __init__(self, queue_id: QueueId, skills: Skills) -> None:
        self.queue_id = queue_id
        self.skills = skills
        self.free: list[tuple[Seniority, CallId]] = []
        self.dialled: list[tuple[Seniority, CallId]] = []

    def part(self, is_dialled: bool) -> list[tuple[Seniority, CallId]]:
        return self.dialled if is_dialled else self.free


class WaitingRoom:
    """All waiting calls of one site.

    A dialled call (a hand-off's INVITE is on its way, or its caller is about to be sent on) keeps its
    place: a local agent may take it, a claim of another site may not.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[QueueId, Skills], _Line] = {}
        self._by_queue: dict[QueueId, list[_Line]] = {}
        self._places: dict[CallId, _Place] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, call_id: CallId) -> bool:
        return call_id in self._places

    def add(
        self, call_id: CallId, *, seniority: Seniority, queue_id: QueueId, skills: Skills, queued_at: Instant
    ) -> None:
        assert call_id not in self._places, f"{call_id} already waits"
        place = _Place(seniority, queue_id, skills, queued_at, is_dialled=False)
        self._places[call_id] = place
        line = self._lines.get((queue_id, skills))
        if line is None:
            line = self._lines[queue_id, skills] = _Line(queue_id, skills)
            self._by_queue.setdefault(queue_id, []).append(line)
        insort(line.free, (seniority, call_id))

    def remove(self, call_id: CallId) -> None:
        place = self._places.pop(call_id)
        self._take_out(call_id, place)

    def mark_dialled(self, call_id: CallId, is_dialled: bool) -> None:
        place = self._places[call_id]
        if place.is_dialled == is_dialled:
            return
        line = self._take_out(call_id, place)
        place.is_dialled = is_dialled
        insort(line.part(is_dialled), (place.seniority, call_id))

    def next_for(self, skills: Skills) -> CallId | None:
        """The call that an agent with `skills` must serve next, dialled ones included."""
        head = self.head_for(skills)
        return head[1] if head else None

    def head_for(self, skills: Skills) -> tuple[Seniority, CallId] | None:
        """The same with its place, to be compared with another room's."""
        best: tuple[Seniority, CallId] | None = None
        for line in self._lines.values():
            if line.skills <= skills:
                for part in (line.free, line.dialled):
                    if part and (best is None or part[0] < best):
                        best = part[0]
        return best

    def next_in(self, queue_id: QueueId, skills: Skills) -> CallId | None:
        """The most senior call of a queue that an agent with `skills` can serve, dialled ones included."""
        lines = [line for line in self._of(queue_id) if line.skills <= skills]
        heads = [part[0] for line in lines for part in (line.free, line.dialled) if part]
        return min(heads)[1] if heads else None

    def next_free_for(self, skills: Skills, queues: frozenset[QueueId]) -> CallId | None:
        """The same for another site's agent: not dialled, and in one of `queues`."""
        best: tuple[Seniority, CallId] | None = None
        for line in self._lines.values():
            fits = line.free and line.skills <= skills and line.queue_id in queues
            if fits and (best is None or line.free[0] < best):
                best = line.free[0]
        return best[1] if best else None

    def first_free(self, queue_id: QueueId, count: int) -> list[CallId]:
        """Up to `count` calls of a queue that are not dialled, the most senior first."""
        heads = [entry for line in self._of(queue_id) for entry in islice(line.free, count)]
        heads.sort()
        return [call_id for _, call_id in heads[:count]]

    def free_count(self, queue_id: QueueId) -> int:
        return sum(len(line.free) for line in self._of(queue_id))

    def count(self, queue_id: QueueId) -> int:
        return sum(len(line.free) + len(line.dialled) for line in self._of(queue_id))

    def head_queued_at(self, queue_id: QueueId) -> Instant | None:
        """When the most senior call that is not dialled was queued."""
        heads = [line.free[0] for line in self._of(queue_id) if line.free]
        return self._places[min(heads)[1]].queued_at if heads else None

    def position(self, call_id: CallId) -> int:
        """1 for the head of the call's own queue."""
        place = self._places[call_id]
        key = (place.seniority, call_id)
        ahead = (
            bisect_left(part, key) for line in self._of(place.queue_id) for part in (line.free, line.dialled)
        )
        return 1 + sum(ahead)

    def _of(self, queue_id: QueueId) -> Sequence[_Line]:
        return self._by_queue.get(queue_id, ())

    def _take_out(self, call_id: CallId, place: _Place) -> _Line:
        line = self._lines[place.queue_id, place.skills]
        part = line.part(place.is_dialled)
        at = bisect_left(part, (place.seniority, call_id))
        assert part[at][1] == call_id
        del part[at]
        return line
