"""What counts as answered and abandoned, and the figures that calls alone give.

The clock of a wait starts at the first request for a person and never restarts; ring and
set-up are part of it. A call that was answered once is answered, whatever became of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from router.call import Disposition
from router.ids import CustomerId


class CountedCall(Protocol):
    """The part of a call's record that the formulas need; `router.records` folds it from the ledger."""

    @property
    def customer_id(self) -> CustomerId | None: ...
    @property
    def queued_utc_us(self) -> int | None: ...
    @property
    def answered_utc_us(self) -> int | None: ...
    @property
    def ended_utc_us(self) -> int | None: ...
    @property
    def disposition(self) -> Disposition | None: ...
    @property
    def waited_ms(self) -> int: ...
    @property
    def talk_ms(self) -> int: ...
    @property
    def hold_ms(self) -> int: ...
    @property
    def wrapup_ms(self) -> int: ...
    @property
    def transfer_count(self) -> int: ...
    @property
    def is_short(self) -> bool: ...


_GAVE_UP = frozenset({Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING})


def is_answered(call: CountedCall) -> bool:
    return call.answered_utc_us is not None


def is_abandoned(call: CountedCall) -> bool:
    """Gave up after asking for a person and before any answer; in the IVR it was not offered."""
    return call.answered_utc_us is None and call.disposition in _GAVE_UP


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """Counts are of calls; every figure without data is None. Whoever was redirected was offered to
    the site it was sent to, and is in no other count here.
    """

    answered: int
    abandoned: int
    short_abandons: int
    transferred: int
    redirected: int
    asa_s: float | None
    """Mean wait of answered calls."""
    p95_wait_s: float | None
    """Of answered calls, nearest rank."""
    aht_s: float | None
    """Talk, hold and wrap-up of all legs, a handled call."""

    @property
    def offered(self) -> int:
        return self.answered + self.abandoned

    @property
    def abandon_rate(self) -> float | None:
        """B / (A + B), in percent."""
        return 100 * self.abandoned / self.offered if self.offered else None

    @property
    def abandon_rate_without_short(self) -> float | None:
        """Short abandons (wrong numbers, changed minds) left out above and below the line."""
        offered = self.offered - self.short_abandons
        return 100 * (self.abandoned - self.short_abandons) / offered if offered else None

    @property
    def transfer_rate(self) -> float | None:
        """Transferred / handled, in percent; overflow is not a transfer."""
        return 100 * self.transferred / self.answered if self.answered else None


def figures(calls: Iterable[CountedCall]) -> CallFigures:
    waits: list[int] = []
    handled_ms = abandoned = short = transferred = redirected = 0
    for call in calls:
        if is_answered(call):
            waits.append(call.waited_ms)
            handled_ms += call.talk_ms + call.hold_ms + call.wrapup_ms
            transferred += call.transfer_count > 0
        elif is_abandoned(call):
            abandoned += 1
            short += call.is_short
        else:
            redirected += call.disposition is Disposition.REDIRECTED
    waits.sort()
    return CallFigures(
        answered=len(waits),
        abandoned=abandoned,
        short_abandons=short,
        transferred=transferred,
        redirected=redirected,
        asa_s=mean_s(sum(waits), len(waits)),
        p95_wait_s=percentile_s(waits, 95),
        aht_s=mean_s(handled_ms, len(waits)),
    )


def mean_s(total_ms: int, number: int) -> float | None:
    return total_ms / number / 1000 if number else None


def percentile_s(sorted_ms: Sequence[int], rank: int) -> float | None:
    """The nearest rank: the smallest value that at least `rank` percent do not exceed."""
    if not sorted_ms:
        return None
    return sorted_ms[-(-len(sorted_ms) * rank // 100) - 1] / 1000


def first_contact_resolution(calls: Iterable[CountedCall], *, within_days: int = 7) -> float | None:
    """Percent of handled calls not followed by one of the same customer within the time.

    Only HQ can know it: the customer may call another branch. Calls without a known
    customer are left out; give calls of the following days too, or the last days look too good.
    """
    window_us = within_days * 86_400 * 1_000_000
    starts: dict[CustomerId, list[int]] = {}
    for call in calls:
        if call.customer_id is not None and is_answered(call) and call.queued_utc_us is not None:
            starts.setdefault(call.customer_id, []).append(call.queued_utc_us)
    handled = sum(len(times) for times in starts.values())
    repeated = 0
    for times in starts.values():
        times.sort()
        repeated += sum(later - earlier <= window_us for earlier, later in pairwise(times))
    return 100 * (handled - repeated) / handled if handled else None
