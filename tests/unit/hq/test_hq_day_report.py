"""A day's report on the wire: what is said of sites, of queues and of all together."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hq.reports.day_report import DayReport, SiteReport
from hq.reports.printed import print_report
from hq.serving import wire
from hq.serving.client import Plain, plain
from router.ids import QueueId, SiteId
from router.kpi.calls import figures
from router.kpi.overflow import OverflowTally
from router.kpi.service_level import ServiceLevelCounts
from router.kpi.site_day import DayFigures, day_figures

NOTHING: DayFigures = day_figures([], [], list, {})


def reported(
    *certified: bool, of_site: DayFigures = NOTHING, intervals: Mapping[int, ServiceLevelCounts] | None = None
) -> Plain:
    """A day of as many sites, each with one queue, and without calls unless they are given."""
    sites = [
        SiteReport(
            site_id=SiteId(f"site-{number}"),
            is_certified=is_certified,
            figures=of_site,
            queues={QueueId("support"): NOTHING},
        )
        for number, is_certified in enumerate(certified)
    ]
    report = DayReport(
        business_date="2026-03-02",
        sites=tuple(sites),
        cluster=NOTHING,
        overflow=OverflowTally(),
        first_contact_resolution=None,
        intervals=intervals or {},
    )
    return plain(wire.day_report(report))


@pytest.mark.parametrize(
    ("certified", "is_whole"), [((True, True), True), ((True, False), False), ((False,), False)]
)
def test_all_sites_together_are_certified_when_each_is(certified: tuple[bool, ...], is_whole: bool) -> None:
    assert reported(*certified)["cluster"]["is_certified"] is is_whole


def test_what_is_counted_of_sites_only_is_absent_elsewhere() -> None:
    report = reported(True)
    (site,) = report["sites"]
    (queue,) = site["queues"]

    assert (site["overflow_out_count"], site["overflow_in_count"]) == (0, 0)
    assert queue["is_certified"] is None
    for each in (queue, report["cluster"]):
        assert (each["overflow_out_count"], each["overflow_in_count"]) == (None, None)


def test_what_a_manager_reads_beside_the_service_level_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    calls = replace(figures([]), answered=90, abandoned=10, short_abandons=4, transferred=9)
    morning = ServiceLevelCounts(answered=8, answered_within=6, abandoned=2)

    print_report(
        reported(True, of_site=replace(NOTHING, calls=calls), intervals={1_772_413_200_000_000: morning})
    )

    lines = [line.replace("│", " ").split() for line in capsys.readouterr().out.splitlines()]
    assert ["site-0", "10.0", "6.2", "10.0", "-", "-"] in lines
    assert any(line[1:] == ["10", "8", "2", "60.0"] for line in lines)
    assert any(line[:3] == ["Through", "the", "day;"] for line in lines)


def test_a_day_without_intervals_has_no_table_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(reported(True))

    assert "Through the day" not in capsys.readouterr().out
