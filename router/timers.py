"""Named deadlines of a pure machine: set, cancel, and collect what is due."""

import heapq
from typing import Generic, TypeVar

from router.ids import Instant

K = TypeVar("K")


class Timers(Generic[K]):
    """A deadline a key; setting a key again moves it.

    A deadline that no longer counts stays in the heap until it is the earliest: the one that
    `next` sees always counts, so that asking, which every fact does, costs nothing.
    """

    def __init__(self) -> None:
        self._serials: dict[K, int] = {}
        """Of the entry of the heap that counts."""
        self._heap: list[tuple[Instant, int, K]] = []
        self._serial = 0

    def set(self, key: K, at: Instant) -> None:
        is_moved = key in self._serials
        self._serial += 1
        self._serials[key] = self._serial
        heapq.heappush(self._heap, (at, self._serial, key))
        if is_moved:
            self._drop_cancelled()

    def cancel(self, key: K) -> None:
        if self._serials.pop(key, None) is not None:
            self._drop_cancelled()

    def is_set(self, key: K) -> bool:
        return key in self._serials

    def next(self) -> Instant | None:
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: Instant) -> K | None:
        """The earliest deadline's key that is not after `now`, once; None when there is none."""
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._serials[key]
        self._drop_cancelled()
        return key

    def _drop_cancelled(self) -> None:
        heap = self._heap
        while heap and self._serials.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
