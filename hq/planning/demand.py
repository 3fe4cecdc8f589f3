"""What callers asked of each site through a day: counted out of a ledger or a calls file, or given."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from hq.planning.day import BadChoiceError, PlannedDay
from node.ids import refuse
from node.words import text as _
from router.id_rules import site_fault
from router.ids import SiteId
from router.kpi.erlang import Demand
from router.world.day.past_day import agents_between

KNOWN_NEEDED = 20
"""A site with fewer known talks or waits says too little of its own: those of all sites stand in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandInterval:
    """All sites' callers in one interval."""

    clock: str
    """When it begins, on the wall clock; empty where there is but one."""
    length_s: float
    demands: Mapping[SiteId, Demand]
    on_duty: Mapping[SiteId, float] | None
    """By the roster, on average; None without a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandedDay:
    intervals: Sequence[DemandInterval]
    clock_name: str | None = None
    """Whose the intervals' times are, where they have any."""
    notes: tuple[str, ...] = ()
    """What a reader must know of how the day was made."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """One caller, as far as the day knows it."""

    came_ms: int
    site_id: SiteId
    handle_ms: int | None
    waited_ms: int
    """Until the answer or the hang-up; who never hangs up is seen as long as the most patient one."""
    has_hung_up: bool


_Figure = Callable[[Sequence[_Seen]], tuple[float, int]]
"""A mean, and of how many callers it is one."""


def demand_of_day(day: PlannedDay, interval_min: int) -> DemandedDay:
    """Every interval in which somebody called, and those between them."""
    return DemandedDay(intervals=_intervals(day, interval_min), clock_name=day.clock_name(), notes=day.notes)


def demand_given(
    loads: Sequence[str], *, aht_s: float | None, patience_s: float | None, ring_s: float
) -> DemandedDay:
    """One hour of `SITE=CALLS_PER_HOUR` each.

    Raises:
        BadChoiceError: a load is not understood, or nothing says how long talks last.
        BadIdError: a site cannot be called that.
    """
    if aht_s is None or not 0 < aht_s < 1e6:
        raise BadChoiceError(_("--load needs --aht: how many seconds a call takes an agent, such as 180"))
    if patience_s is not None and not 0 < patience_s < 1e9:
        raise BadChoiceError(
            _("--patience must be a number of seconds; leave it out for callers who never hang up")
        )
    demands: dict[SiteId, Demand] = {}
    for load in loads:
        found = re.fullmatch(r"\s*([^=\s]+)\s*=\s*(\d{1,7}(?:\.\d+)?)\s*", load)
        if found is None or SiteId(found[1]) in demands:
            raise BadChoiceError(
                _("--load {load} is no SITE=CALLS_PER_HOUR, once a site; write beijing=300", load=load)
            )
        refuse(site_fault(found[1]))
        demands[SiteId(found[1])] = Demand(
            calls_per_s=float(found[2]) / 3600,
            handle_s=aht_s,
            hang_ups_per_s=1 / patience_s if patience_s is not None else 0.0,
            ring_s=ring_s,
        )
    hour = DemandInterval(clock="", length_s=3600, demands=demands, on_duty=None)
    return DemandedDay(intervals=[hour])


def _intervals(day: PlannedDay, interval_min: int) -> list[DemandInterval]:
    length_ms = interval_min * 60_000
    seen = _seen(day)
    handle_s = _by_site(seen, _handle_s)
    hang_ups_per_s = _by_site(seen, _hang_ups_per_s)
    counts: dict[int, dict[SiteId, int]] = {}
    for call in seen:
        here = counts.setdefault(call.came_ms // length_ms, {})
        here[call.site_id] = here.get(call.site_id, 0) + 1
    first = {site.site_id: site.agents for site in day.scenario.sites}
    ring_s = day.scenario.ring_ms / 1000
    sites = sorted({call.site_id for call in seen})
    return [
        DemandInterval(
            clock=f"{day.clock(number * length_ms):%H:%M}",
            length_s=length_ms / 1000,
            demands={
                site_id: Demand(
                    calls_per_s=counts.get(number, {}).get(site_id, 0) * 1000 / length_ms,
                    handle_s=handle_s[site_id],
                    hang_ups_per_s=hang_ups_per_s[site_id],
                    ring_s=ring_s,
                )
                for site_id in sites
            },
            on_duty=agents_between(first, day.scenario.roster, number * length_ms, (number + 1) * length_ms),
        )
        for number in range(min(counts), max(counts) + 1)
    ]


def _seen(day: PlannedDay) -> list[_Seen]:
    if day.past is not None:
        return [
            _Seen(call.came_ms, call.site_id, call.handle_ms, call.waited_ms, call.has_hung_up)
            for call in day.past.calls
        ]
    longest_ms = max((call.patience_ms for call in day.calls if call.patience_ms is not None), default=0)
    return [
        _Seen(
            call.arrive_ms,
            call.site_id,
            call.handle_ms,
            longest_ms if call.patience_ms is None else call.patience_ms,
            call.patience_ms is not None,
        )
        for call in day.calls
    ]


def _by_site(seen: Sequence[_Seen], figure: _Figure) -> dict[SiteId, float]:
    everybody, _count = figure(seen)
    found = {}
    for site_id in {call.site_id for call in seen}:
        own, count = figure([call for call in seen if call.site_id == site_id])
        found[site_id] = own if count >= KNOWN_NEEDED else everybody
    return found


def _handle_s(seen: Sequence[_Seen]) -> tuple[float, int]:
    known = [call.handle_ms for call in seen if call.handle_ms is not None]
    return (fmean(known) / 1000 if known else 0.0), len(known)


def _hang_ups_per_s(seen: Sequence[_Seen]) -> tuple[float, int]:
    """Hang-ups by the time waited: what exponential patience makes most likely, answered calls and all."""
    count = sum(call.has_hung_up for call in seen)
    waited_ms = sum(call.waited_ms for call in seen)
    return (count * 1000 / waited_ms if waited_ms else 0.0), count
