"""Virtual time: what happens next, in order, and nothing in between."""

import heapq
from collections.abc import Callable
from typing import Any

from router.ids import Instant


class Loop:
    """Events in order of time; at one instant in the order in which they were set.

    `late` events come after all others of their instant: a caller's patience ends at an
    instant only if nobody answered at it.
    """

    __slots__ = ("_heap", "_serial", "event_count", "now")

    def __init__(self) -> None:
        self.now = Instant(0)
        self.event_count = 0
        self._heap: list[tuple[int, int, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._serial = 0

    def at(self, at: int, act: Callable[..., Any], *arguments: Any) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at, 0, self._serial, act, arguments))

    def after(self, delay_ms: int, act: Callable[..., Any], *arguments: Any) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (self.now + delay_ms, 0, self._serial, act, arguments))

    def late_at(self, at: int, act: Callable[..., Any], *arguments: Any) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at, 1, self._serial, act, arguments))

    def run(self, until: int) -> None:
        """Everything up to and at `until`, which is then the time."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until:
            at, _, _, act, arguments = pop(heap)
            self.now = Instant(at)
            self.event_count += 1
            act(*arguments)
        self.now = Instant(until)
