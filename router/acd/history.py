"""What a queue's last five minutes say about the next caller's wait."""

from collections import deque
from math import log1p

from router.ids import Instant

HISTORY_MS = 300_000
"""Five minutes: long enough for a few calls an agent, short enough to follow a surge."""

_HOUR_MS = 3_600_000


class QueueHistory:
    """Handling times, waits and abandonments of one queue, at this site."""

    def __init__(self) -> None:
        self._handled = _Window()
        self._waited = _Window()
        self._abandoned = _Window()
        self._last_aht_ms = 0

    def note_handled(self, now: Instant, handle_ms: int) -> None:
        self._handled.add(now, handle_ms)

    def note_wait(self, now: Instant, waited_ms: int, *, is_abandoned: bool) -> None:
        self._waited.add(now, waited_ms)
        if is_abandoned:
            self._abandoned.add(now, 1)

    def aht_ms(self, now: Instant) -> int:
        """Mean handling time; the last known one when nothing ended lately; 0 when nothing ever did."""
        total_ms, count = self._handled.sum(now)
        if count:
            self._last_aht_ms = total_ms // count
        return self._last_aht_ms

    def abandon_rate_per_hour(self, now: Instant) -> float:
        """How often one waiting caller gives up: abandonments by hours waited; 0.0 without history."""
        _, abandoned_count = self._abandoned.sum(now)
        if not abandoned_count:
            return 0.0
        waited_ms, _ = self._waited.sum(now)
        return abandoned_count * _HOUR_MS / waited_ms if waited_ms else 0.0


class _Window:
    """A sum and a count over the last five minutes."""

    __slots__ = ("_entries", "_total")

    def __init__(self) -> None:
        self._entries: deque[tuple[Instant, int]] = deque()
        self._total = 0

    def add(self, now: Instant, value: int) -> None:
        self._entries.append((now, value))
        self._total += value
        self._drop_old(now)

    def sum(self, now: Instant) -> tuple[int, int]:
        self._drop_old(now)
        return self._total, len(self._entries)

    def _drop_old(self, now: Instant) -> None:
        while self._entries and self._entries[0][0] <= now - HISTORY_MS:
            self._total -= self._entries.popleft()[1]


def expected_wait_s(
    *, ahead_count: int, staffed_count: int, aht_ms: int, abandon_rate_per_hour: float
) -> float:
    """Seconds until a caller with `ahead_count` callers before it is served: sum of 1/(n*mu + i*theta).

    Source: birth-death chain of a queue with impatient callers (Erlang-A). Zero working
    agents is an infinite wait, and so is a queue that never finished a call.
    """
    if staffed_count <= 0 or aht_ms <= 0:
        return float("inf")
    service_rate = staffed_count * 1000 / aht_ms
    give_up_rate = abandon_rate_per_hour / 3600
    if give_up_rate <= 0:
        return (ahead_count + 1) / service_rate
    # The sum's integral: exact enough for words to a caller, and the same cost at any length.
    return log1p((ahead_count + 1) * give_up_rate / service_rate) / give_up_rate
