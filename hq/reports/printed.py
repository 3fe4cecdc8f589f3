"""A day's report as people read it at a terminal."""

from datetime import UTC, datetime
from typing import Any

from hq.clock_names import clock_name
from node.terminal import Column, output, print_table
from node.words import text as _

Plain = dict[str, Any]

_OF_SITES = ("ring_no_answer_rate", "wait_error_s")
_COUNTS = ("offered_count", "answered_count", "abandoned_count", "redirected_count")


def print_report(report: Plain) -> None:
    """Print a `GetDayReportResponse`, given as a dictionary."""
    titles = [
        _("offered"),
        _("answered"),
        _("abandoned"),
        _("redirected"),
        _("service level %"),
        _("ASA s"),
        _("95 % wait s"),
        _("AHT s"),
        _("occupancy %"),
        _("overflow out"),
        _("overflow in"),
    ]
    lines = [_line(each, each["site_id"]) for each in report["sites"]]
    for site in report["sites"]:
        lines += [_line(each, f"{each['site_id']} {each['queue_id']}") for each in site["queues"]]
    lines.append(_line(report["cluster"], _("all sites")))
    print_table(
        [_("site"), *(Column(title=title, is_number=True) for title in titles), _("complete")],
        lines,
        title=_("Business day {day}", day=report["business_date"]),
    )
    _print_rates(report)
    _print_intervals(report["intervals"])
    _print_flows(report)
    if report["first_contact_resolution"] is not None:
        share = _shown(report["first_contact_resolution"])
        output().print(_("resolved at the first contact: {share} %", share=share))


def _print_rates(report: Plain) -> None:
    """What there is to a day beside its service level."""
    titles = [
        _("abandoned %"),
        _("without short ones %"),
        _("transferred %"),
        _("rings unanswered %"),
        _("announced waits off by s"),
    ]
    keys = ("abandon_rate", "abandon_rate_without_short", "transfer_rate")
    named = [(each, each["site_id"]) for each in report["sites"]]
    for site in report["sites"]:
        named += [(each, f"{each['site_id']} {each['queue_id']}") for each in site["queues"]]
    named.append((report["cluster"], _("all sites")))
    print_table(
        [_("site"), *(Column(title=title, is_number=True) for title in titles)],
        (
            [
                name,
                *(_shown(figures[key]) for key in keys),
                *("" if figures["queue_id"] else _shown(figures[key]) for key in _OF_SITES),
            ]
            for figures, name in named
        ),
    )


def _print_intervals(intervals: list[Plain]) -> None:
    """All sites through the day, in this machine's time, which the title names."""
    if not intervals:
        return
    moments = [datetime.fromtimestamp(each["begins_utc_us"] / 1_000_000, UTC) for each in intervals]
    titles = [_("offered"), _("answered"), _("abandoned"), _("service level %")]
    print_table(
        [_("from"), *(Column(title=title, is_number=True) for title in titles)],
        (
            [
                f"{moment.astimezone():%H:%M}",
                *(str(each[key]) for key in _COUNTS[:3]),
                _shown(each["service_levels"].get("strict")),
            ]
            for moment, each in zip(moments, intervals, strict=True)
        ),
        title=_("Through the day; times: {clock}", clock=clock_name(moments[0], None)),
    )


def _print_flows(report: Plain) -> None:
    if report["flows"]:
        print_table(
            [_("from"), _("to"), Column(title=_("confirmed hand-offs"), is_number=True)],
            ((each["from_site"], each["to_site"], each["count"]) for each in report["flows"]),
        )


def _line(figures: Plain, name: str) -> list[str]:
    is_queue = bool(figures["queue_id"])
    is_certified = figures["is_certified"]
    return [
        name,
        *(str(figures[key]) for key in _COUNTS),
        _shown(figures["service_levels"].get("strict")),
        *(_shown(figures[key]) for key in ("asa_s", "p95_wait_s", "aht_s")),
        "" if is_queue else _shown(figures["occupancy"]),
        *(_counted(figures[key]) for key in ("overflow_out_count", "overflow_in_count")),
        "" if is_certified is None else _("yes") if is_certified else _("no"),
    ]


def _counted(value: int | None) -> str:
    """Blank where there is nothing to count: of a queue, and between all sites."""
    return "" if value is None else str(value)


def _shown(value: float | None) -> str:
    """No data is neither 0 nor 100."""
    return "-" if value is None else f"{value:.1f}"
