"""The shell of `trunkline staff`: a demand and a target in, the agents that each site needs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from hq.planning.day import BadChoiceError
from hq.planning.demand import DemandedDay, DemandInterval
from hq.planning.notes import print_notes
from node.terminal import Column, output, print_json, print_table
from node.words import text as _
from router.ids import SiteId
from router.kpi.erlang import Service, highest_share
from router.kpi.staffing import IntervalNeed, SiteNeed, Target, UnreachableTargetError, interval_need


@dataclass(frozen=True, slots=True, kw_only=True)
class Staffing:
    """One interval with what it needs."""

    interval: DemandInterval
    need: IntervalNeed


def target_of(percent: float, within_s: float) -> Target:
    """Raises:
    BadChoiceError: nobody can promise that.
    """
    if percent >= 100:
        raise BadChoiceError(
            _(
                "--target {percent:g}: no number of agents can promise every call; give less than 100, such"
                " as 85",
                percent=percent,
            )
        )
    if not percent > 0:
        raise BadChoiceError(
            _("--target {percent:g} must be a percentage above 0, such as 85", percent=percent)
        )
    if not 0 < within_s < 86_400:
        raise BadChoiceError(
            _("--within {seconds:g} must be a number of seconds, such as 20", seconds=within_s)
        )
    return Target(share=percent / 100, within_s=within_s)


def run(day: DemandedDay, target: Target, *, is_json: bool) -> None:
    """Print what each site needs.

    Raises:
        BadChoiceError: no number of agents meets the target.
    """
    staffing = [Staffing(interval=each, need=_need(each, target)) for each in day.intervals]
    if is_json:
        print_json({**staffing_tree(staffing, target), "clock": day.clock_name, "notes": list(day.notes)})
        return
    _print_sites(staffing, target)
    if len(staffing) > 1:
        _print_intervals(staffing, day.clock_name)
    _print_saving(staffing)
    print_notes(day.notes)


def staffing_tree(staffing: Sequence[Staffing], target: Target) -> dict[str, Any]:
    return {
        "target": {"share": target.share, "within_s": target.within_s},
        "intervals": [
            {
                "clock": each.interval.clock,
                "length_s": each.interval.length_s,
                "alone": each.need.alone,
                "pooled": each.need.pooled,
                "on_duty": None
                if each.interval.on_duty is None
                else round(sum(each.interval.on_duty.values()), 1),
                "pooled_service": _service_tree(each.need.service),
                "sites": {
                    site_id: {
                        "calls": round(need.demand.calls_per_s * each.interval.length_s, 3),
                        "handle_s": round(need.demand.handle_s, 3),
                        "hang_ups_per_s": round(need.demand.hang_ups_per_s, 6),
                        "alone": need.alone,
                        "pooled": need.pooled,
                        "on_duty": None
                        if each.interval.on_duty is None
                        else round(each.interval.on_duty.get(site_id, 0), 1),
                        "alone_service": _service_tree(need.service),
                    }
                    for site_id, need in each.need.sites.items()
                },
            }
            for each in staffing
        ],
        "agent_hours": {"alone": _hours(staffing, "alone"), "pooled": _hours(staffing, "pooled")},
    }


def _need(interval: DemandInterval, target: Target) -> IntervalNeed:
    try:
        return interval_need(interval.demands, target)
    except UnreachableTargetError as error:
        demand = error.demand
        if target.within_s < demand.ring_s:
            raise BadChoiceError(
                _(
                    "--within {seconds:g}: phones ring {ring:.1f} s until they are answered, so no call is"
                    " answered by then; give more",
                    seconds=target.within_s,
                    ring=demand.ring_s,
                )
            ) from error
        raise BadChoiceError(
            _(
                "--target {percent:g} can't be met at {site}: so many hang up while a phone rings that"
                " {highest:.1f} % is the most; lower the target, or let phones ring shorter",
                percent=target.share * 100,
                site=error.site_id,
                highest=highest_share(demand, target.within_s) * 100,
            )
        ) from error


def _service_tree(found: Service) -> dict[str, float | None]:
    return {
        "within": round(found.within, 4),
        "abandoned": round(found.abandoned, 4),
        "mean_wait_s": round(found.mean_wait_s, 3) if isfinite(found.mean_wait_s) else None,
        "occupancy": round(found.occupancy, 4),
    }


def _print_sites(staffing: Sequence[Staffing], target: Target) -> None:
    """Each site at its own peak; the last line is one room of all at theirs."""
    sites = list(staffing[0].need.sites)
    numbers = [_("calls"), _("AHT s"), _("patience s"), _("agents alone"), _("agents pooled")]
    if len(staffing) > 1:
        numbers += [_("agent-hours alone"), _("agent-hours pooled")]
    title = _(
        "Agents for {percent:g} % within {seconds:g} s, at each site's peak",
        percent=target.share * 100,
        seconds=target.within_s,
    )
    rows = [*(_site_row(staffing, site_id) for site_id in sites), _together_row(staffing)]
    print_table([_("site"), *_numbers(numbers)], rows, title=title)
    services = [_("within the target"), _("mean wait"), _("abandoned"), _("occupancy")]
    rows = [[site_id, *_service_cells(_peak(staffing, site_id).service)] for site_id in sites]
    rows.append([_("all sites pooled"), *_service_cells(_busiest(staffing).service)])
    print_table([_("site"), *_numbers(services)], rows, title=_("What they give callers at the peak"))


def _numbers(titles: Sequence[str]) -> list[Column]:
    return [Column(title=title, is_number=True) for title in titles]


def _peak(staffing: Sequence[Staffing], site_id: SiteId) -> SiteNeed:
    return max((each.need.sites[site_id] for each in staffing), key=lambda need: need.alone)


def _busiest(staffing: Sequence[Staffing]) -> IntervalNeed:
    return max((each.need for each in staffing), key=lambda need: need.pooled)


def _site_row(staffing: Sequence[Staffing], site_id: SiteId) -> list[str]:
    peak = _peak(staffing, site_id)
    calls = sum(each.need.sites[site_id].demand.calls_per_s * each.interval.length_s for each in staffing)
    most_pooled = max(each.need.sites[site_id].pooled for each in staffing)
    row = [
        site_id,
        f"{calls:.0f}",
        f"{peak.demand.handle_s:.0f}",
        _patience(peak.demand.hang_ups_per_s),
        str(peak.alone),
        str(most_pooled),
    ]
    if len(staffing) > 1:
        for name in ("alone", "pooled"):
            hours = sum(getattr(each.need.sites[site_id], name) * each.interval.length_s for each in staffing)
            row.append(f"{hours / 3600:.1f}")
    return row


def _together_row(staffing: Sequence[Staffing]) -> list[str]:
    peak = _busiest(staffing)
    calls = sum(each.need.demand.calls_per_s * each.interval.length_s for each in staffing)
    row = [
        _("all sites"),
        f"{calls:.0f}",
        f"{peak.demand.handle_s:.0f}",
        _patience(peak.demand.hang_ups_per_s),
        str(max(each.need.alone for each in staffing)),
        str(peak.pooled),
    ]
    if len(staffing) > 1:
        row += [f"{_hours(staffing, name):.1f}" for name in ("alone", "pooled")]
    return row


def _service_cells(found: Service) -> list[str]:
    return [
        f"{found.within * 100:.1f} %",
        f"{found.mean_wait_s:.1f} s",
        f"{found.abandoned * 100:.1f} %",
        f"{found.occupancy * 100:.0f} %",
    ]


def _patience(hang_ups_per_s: float) -> str:
    return f"{1 / hang_ups_per_s:.0f}" if hang_ups_per_s > 0 else _("endless")


def _print_intervals(staffing: Sequence[Staffing], clock_name: str | None) -> None:
    numbers = [_("calls"), _("agents alone"), _("agents pooled"), _("agents on duty")]
    rows = [
        (
            each.interval.clock,
            round(each.need.demand.calls_per_s * each.interval.length_s),
            each.need.alone,
            each.need.pooled,
            "-" if each.interval.on_duty is None else f"{sum(each.interval.on_duty.values()):.1f}",
        )
        for each in staffing
    ]
    title = None if clock_name is None else _("Through the day; times: {clock}", clock=clock_name)
    print_table([_("from"), *_numbers(numbers)], rows, title=title)


def _print_saving(staffing: Sequence[Staffing]) -> None:
    alone, pooled = (_hours(staffing, name) for name in ("alone", "pooled"))
    if alone <= 0:
        return
    output().print(
        _(
            "Together they need {saved:.1f} agent-hours less than alone ({percent:.0f} %). A site's pooled"
            " figure is its part of one room by its work; overflow comes close to one room.",
            saved=alone - pooled,
            percent=100 * (alone - pooled) / alone,
        ),
        markup=False,
        soft_wrap=True,
    )


def _hours(staffing: Sequence[Staffing], name: str) -> float:
    hours: float = sum(getattr(each.need, name) * each.interval.length_s for each in staffing) / 3600
    return round(hours, 3)
