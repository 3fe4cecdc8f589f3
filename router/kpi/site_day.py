"""All figures of one site's day: the formulas put together once.

A branch, HQ and a lab compute a day with this same function from the same records, so
two places never disagree.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.ids import QueueId
from router.kpi.agents import StateSpan, occupancy, ring_no_answer_rate
from router.kpi.calls import CallFigures, CountedCall, figures
from router.kpi.expected_wait import WaitError, expected_wait_error
from router.kpi.service_level import ServiceLevelCounts, by_interval, count, levels
from router.ledger import LedgerRow

DEFAULT_TARGET_MS = 20_000
"""The field's 20 s, for a queue whose policy is not known."""


class QueuedCall(CountedCall, Protocol):
    """A counted call that says in which queue it was."""

    @property
    def queue_id(self) -> QueueId | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Figures of a day; one without data is None, or missing in `service_levels`."""

    calls: CallFigures
    counts: ServiceLevelCounts
    """Each call against its own queue's target."""
    occupancy: float | None = None
    ring_no_answer_rate: float | None = None
    wait_error: WaitError | None = None

    @property
    def service_levels(self) -> Mapping[str, float]:
        """By formula, in percent."""
        return levels(self.counts)


def day_figures(
    calls: Sequence[QueuedCall],
    spans: Iterable[StateSpan],
    rows: Callable[[], Iterable[LedgerRow]],
    targets_ms: Mapping[QueueId, int],
) -> DayFigures:
    """The figures of everything given; `rows` is called twice, so that no day has to fit memory."""
    return DayFigures(
        calls=figures(calls),
        counts=_counts(calls, targets_ms),
        occupancy=occupancy(spans),
        ring_no_answer_rate=ring_no_answer_rate(rows()),
        wait_error=expected_wait_error(rows()),
    )


def queue_figures(
    calls: Iterable[QueuedCall], targets_ms: Mapping[QueueId, int]
) -> dict[QueueId, DayFigures]:
    """The figures that calls alone give, by queue; calls that asked for no queue are left out."""
    by_queue = {queue_id: each for queue_id, each in _by_queue(calls).items() if queue_id is not None}
    return {
        queue_id: DayFigures(calls=figures(members), counts=_counts(members, targets_ms))
        for queue_id, members in sorted(by_queue.items())
    }


def interval_counts(
    calls: Iterable[QueuedCall], targets_ms: Mapping[QueueId, int], interval_s: int
) -> dict[int, ServiceLevelCounts]:
    """Counts by the start (UTC us) of the interval in which each call counts, by its queue's target."""
    found: dict[int, ServiceLevelCounts] = {}
    for queue_id, members in _by_queue(calls).items():
        for start_us, counts in by_interval(members, _target_ms(queue_id, targets_ms), interval_s).items():
            found[start_us] = found.get(start_us, ServiceLevelCounts()) + counts
    return dict(sorted(found.items()))


def _counts(calls: Iterable[QueuedCall], targets_ms: Mapping[QueueId, int]) -> ServiceLevelCounts:
    every = (
        count(members, _target_ms(queue_id, targets_ms)) for queue_id, members in _by_queue(calls).items()
    )
    return sum(every, ServiceLevelCounts())


def _target_ms(queue_id: QueueId | None, targets_ms: Mapping[QueueId, int]) -> int:
    return DEFAULT_TARGET_MS if queue_id is None else targets_ms.get(queue_id, DEFAULT_TARGET_MS)


def _by_queue(calls: Iterable[QueuedCall]) -> dict[QueueId | None, list[QueuedCall]]:
    found: dict[QueueId | None, list[QueuedCall]] = {}
    for call in calls:
        found.setdefault(call.queue_id, []).append(call)
    return found
