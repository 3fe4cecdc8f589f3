"""Service level: one set of counts, five formulas of the field, in percent.

A answered, A_T answered within the target, B abandoned, B_T abandoned within the target,
S short abandons. No offered calls is None: neither 100 % nor 0 %.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields

from router.kpi.calls import CountedCall, is_abandoned, is_answered

INTERVALS_MIN = (15, 30, 60)
"""Lengths of the intervals in which the field counts, in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLevelCounts:
    answered: int = 0
    answered_within: int = 0
    abandoned: int = 0
    abandoned_within: int = 0
    short_abandons: int = 0

    @property
    def offered(self) -> int:
        return self.answered + self.abandoned

    def __add__(self, other: "ServiceLevelCounts") -> "ServiceLevelCounts":
        names = [field.name for field in fields(ServiceLevelCounts)]
        return ServiceLevelCounts(**{name: getattr(self, name) + getattr(other, name) for name in names})


def count(calls: Iterable[CountedCall], target_ms: int) -> ServiceLevelCounts:
    """Counts of the calls that asked for a person and were answered or gave up."""
    answered = answered_within = abandoned = abandoned_within = short = 0
    for call in calls:
        is_within = call.waited_ms <= target_ms
        if is_answered(call):
            answered += 1
            answered_within += is_within
        elif is_abandoned(call):
            abandoned += 1
            abandoned_within += is_within
            short += call.is_short
    return ServiceLevelCounts(
        answered=answered,
        answered_within=answered_within,
        abandoned=abandoned,
        abandoned_within=abandoned_within,
        short_abandons=short,
    )


def strict(counts: ServiceLevelCounts) -> float | None:
    """A_T / (A + B): our default; Cisco "negative"."""
    return percent(counts.answered_within, counts.offered)


def ignore_abandons(counts: ServiceLevelCounts) -> float | None:
    """A_T / (A + B - B_T): Cisco, Bright Pattern."""
    return percent(counts.answered_within, counts.offered - counts.abandoned_within)


def positive(counts: ServiceLevelCounts) -> float | None:
    """(A_T + B_T) / (A + B): Cisco, Asterisk SL2."""
    return percent(counts.answered_within + counts.abandoned_within, counts.offered)


def answered_only(counts: ServiceLevelCounts) -> float | None:
    """A_T / A: Asterisk SL."""
    return percent(counts.answered_within, counts.answered)


def short_excluded(counts: ServiceLevelCounts) -> float | None:
    """A_T / (A + B - S): Genesys Stat Server, Talkdesk."""
    return percent(counts.answered_within, counts.offered - counts.short_abandons)


FORMULAS: Mapping[str, Callable[[ServiceLevelCounts], float | None]] = {
    "strict": strict,
    "ignore_abandons": ignore_abandons,
    "positive": positive,
    "answered_only": answered_only,
    "short_excluded": short_excluded,
}


def event_utc_us(call: CountedCall, target_ms: int) -> int | None:
    """When the call counts: the earliest of answer, abandon, and the target passed.

    None for a call that was never offered or is still within its target.
    """
    if call.queued_utc_us is None:
        return None
    passed_us = call.queued_utc_us + target_ms * 1000
    if is_answered(call) or is_abandoned(call):
        return min(passed_us, call.queued_utc_us + call.waited_ms * 1000)
    return None


def by_interval(
    calls: Iterable[CountedCall], target_ms: int, interval_s: int
) -> dict[int, ServiceLevelCounts]:
    """Counts by the start (UTC us) of the interval that holds each call's service-level event."""
    sorted_in: dict[int, list[CountedCall]] = {}
    for call in calls:
        at_us = event_utc_us(call, target_ms)
        if at_us is not None:
            start_us = at_us - at_us % (interval_s * 1_000_000)
            sorted_in.setdefault(start_us, []).append(call)
    return {start_us: count(members, target_ms) for start_us, members in sorted(sorted_in.items())}


def levels(counts: ServiceLevelCounts) -> dict[str, float]:
    """By formula, in percent; one without data is missing."""
    found = {name: formula(counts) for name, formula in FORMULAS.items()}
    return {name: level for name, level in found.items() if level is not None}


def percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole > 0 else None
