"""HQ's values on the wire."""

from trunkline.report.v1 import report_pb2 as pb

from hq.consolidate.progress import SiteProgress
from hq.reports.day_report import DayReport, SiteReport
from hq.store.days import Certificate
from hq.store.sites import Site
from router.kpi.service_level import levels
from router.kpi.site_day import DayFigures


def progress(each: SiteProgress) -> pb.SiteProgress:
    return pb.SiteProgress(
        site_id=each.site_id,
        phase=str(each.phase),
        row_count=each.row_count,
        expected_count=each.expected_count,
        due_count=each.due_count,
        certified_count=each.certified_count,
        problem=each.problem or "",
    )


def certificate(each: Certificate) -> pb.Certificate:
    return pb.Certificate(
        site_id=each.site_id,
        business_date=each.business_date,
        issue=each.issue,
        row_count=each.row_count,
        quarantined_count=each.quarantined_count,
        folded_count=each.folded_count,
        digest=each.digest,
        is_day_over=each.is_day_over,
        certified_utc_us=each.certified_utc_us,
    )


def site(each: Site, due_days: list[str], shown: SiteProgress) -> pb.Site:
    return pb.Site(
        site_id=each.site_id,
        address=each.address,
        state=str(each.state),
        frozen_reason=each.frozen_reason or "",
        frozen_detail=each.frozen_detail or "",
        due_days=due_days,
        last_success_utc_us=each.last_success_utc_us or 0,
        progress=progress(shown),
    )


def day_report(report: DayReport) -> pb.GetDayReportResponse:
    cluster = _figures(report.cluster)
    cluster.is_certified = all(each.is_certified for each in report.sites)
    return pb.GetDayReportResponse(
        business_date=report.business_date,
        sites=[_site_figures(each, report) for each in report.sites],
        cluster=cluster,
        flows=[
            pb.OverflowFlow(from_site=origin, to_site=helper, count=number)
            for (origin, helper), number in sorted(report.overflow.confirmed.items())
        ],
        first_contact_resolution=report.first_contact_resolution,
        intervals=[
            pb.IntervalFigures(
                begins_utc_us=begins_utc_us,
                offered_count=counts.offered,
                answered_count=counts.answered,
                abandoned_count=counts.abandoned,
                service_levels=levels(counts),
            )
            for begins_utc_us, counts in report.intervals.items()
        ],
    )


def _site_figures(each: SiteReport, report: DayReport) -> pb.SiteFigures:
    found = _figures(each.figures)
    found.site_id = each.site_id
    found.is_certified = each.is_certified
    found.overflow_out_count = report.overflow.out_of(each.site_id)
    found.overflow_in_count = report.overflow.into(each.site_id)
    for queue_id, figures in each.queues.items():
        queue = found.queues.add()
        queue.CopyFrom(_figures(figures))
        queue.site_id, queue.queue_id = each.site_id, queue_id
    return found


def _figures(each: DayFigures) -> pb.SiteFigures:
    calls = each.calls
    return pb.SiteFigures(
        offered_count=calls.offered,
        answered_count=calls.answered,
        abandoned_count=calls.abandoned,
        short_abandon_count=calls.short_abandons,
        transferred_count=calls.transferred,
        redirected_count=calls.redirected,
        service_levels=each.service_levels,
        asa_s=calls.asa_s,
        p95_wait_s=calls.p95_wait_s,
        aht_s=calls.aht_s,
        occupancy=each.occupancy,
        ring_no_answer_rate=each.ring_no_answer_rate,
        abandon_rate=calls.abandon_rate,
        abandon_rate_without_short=calls.abandon_rate_without_short,
        transfer_rate=calls.transfer_rate,
        wait_error_s=each.wait_error.mean_absolute_s if each.wait_error else None,
    )
