"""Waits through the day: what callers of each part of it met, in the order in which they came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.call import Disposition
from router.ids import CallId
from router.ledger import CallArrived, CallConnected, CallEnded, LedgerRow
from router.world.clock import START_UTC_US
from router.world.day.scenario import Scenario
from router.world.figures.tally import SERVICE_LEVEL_MS
from router.world.reference.day import Served

INTERVAL_MS = 900_000
"""A quarter of an hour, as rosters are made of."""

_ABANDONED = frozenset({Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING})


@dataclass(slots=True)
class Interval:
    """Callers who came within one interval."""

    offered: int = 0
    answered: int = 0
    answered_within: int = 0
    wait_ms: int = 0
    """Of all of them, until the answer or the hang-up."""

    @property
    def mean_wait_s(self) -> float | None:
        return self.wait_ms / self.offered / 1000 if self.offered else None

    @property
    def sl20(self) -> float | None:
        return 100 * self.answered_within / self.offered if self.offered else None


class ThroughDay:
    """A tally by the interval of each call's arrival."""

    def __init__(self, scenario: Scenario) -> None:
        self._warmup_ms = scenario.warmup_ms
        self._came: dict[CallId, int] = {}
        self._answered: set[CallId] = set()
        count = scenario.duration_ms // INTERVAL_MS + 1
        self.intervals: Mapping[int, Interval] = {
            number: Interval() for number in range(scenario.warmup_ms // INTERVAL_MS, count)
        }

    def see(self, row: LedgerRow) -> None:
        entry = row.entry
        if isinstance(entry, CallArrived):
            came_ms = (row.at_utc_us - START_UTC_US) // 1000
            if came_ms >= self._warmup_ms:
                self._came[entry.call_id] = came_ms
        elif isinstance(entry, CallConnected):
            if entry.call_id in self._came and entry.call_id not in self._answered:
                self._answered.add(entry.call_id)
                self._count(self._came[entry.call_id], entry.waited_ms, is_answered=True)
        elif isinstance(entry, CallEnded):
            came = self._came.pop(entry.call_id, None)
            if entry.call_id in self._answered:
                self._answered.discard(entry.call_id)
            elif came is not None and entry.disposition in _ABANDONED:
                self._count(came, entry.waited_ms, is_answered=False)

    def add_served(self, served: Iterable[Served], *, warmup_ms: int) -> None:
        for each in served:
            if each.call.arrive_ms >= warmup_ms:
                self._count(each.call.arrive_ms, each.waited_ms, is_answered=each.is_answered)

    def _count(self, came_ms: int, waited_ms: int, *, is_answered: bool) -> None:
        interval = self.intervals[came_ms // INTERVAL_MS]
        interval.offered += 1
        interval.wait_ms += waited_ms
        interval.answered += is_answered
        interval.answered_within += is_answered and waited_ms <= SERVICE_LEVEL_MS
