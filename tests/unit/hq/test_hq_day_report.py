"""A day's report on the wire: what is said of sites, of queues and of all together."""

import pytest

from hq.reports.day_report import DayReport, SiteReport
from hq.serving import wire
from hq.serving.client import Plain, plain
from router.ids import QueueId, SiteId
from router.kpi.overflow import OverflowTally
from router.kpi.site_day import DayFigures, day_figures

NOTHING: DayFigures = day_figures([], [], list, {})


def reported(*certified: bool) -> Plain:
    """A day without calls, of as many sites, each with one queue."""
    sites = [
        SiteReport(
            site_id=SiteId(f"site-{number}"),
            is_certified=is_certified,
            figures=NOTHING,
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
