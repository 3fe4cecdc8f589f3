"""ReportService: what people's tools ask HQ, and the consolidation they may begin."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.message import Message
from trunkline.report.v1 import report_pb2 as pb
from trunkline.report.v1.report_pb2_grpc import (
    ReportServiceServicer,
    add_ReportServiceServicer_to_server,
)

from hq.consolidate.consolidator import Consolidator
from hq.consolidate.work import Stores
from hq.reports.day_report import DayReports
from hq.serving import wire
from router.errors import RouterError
from router.kpi.service_level import INTERVALS_MIN
from sync.journal.wire import day_from
from sync.link import validate
from sync.link.identity import peer

SERVICE = pb.DESCRIPTOR.services_by_name["ReportService"].full_name
SITES_LIMIT = 1_000

Context = grpc.aio.ServicerContext[Any, Any]


class NotAnOperatorError(RouterError):
    """Branches have no business here."""

    reason = "PEER_IS_NO_OPERATOR"

    def __init__(self, sender: str) -> None:
        super().__init__(
            f"{sender} may not ask this; use an operator's certificate (`trunkline pki issue operator NAME`)"
        )
        self.sender = sender


class ReportService(ReportServiceServicer):
    """What HQ knows, over gRPC."""

    def __init__(self, stores: Stores, reports: DayReports, consolidator: Consolidator) -> None:
        self._stores = stores
        self._run = stores.threads.run
        self._reports = reports
        self._consolidator = consolidator

    def join(self, server: grpc.aio.Server) -> None:
        """Become part of a server that has not started."""
        add_ReportServiceServicer_to_server(self, server)

    async def GetDayReport(
        self, request: pb.GetDayReportRequest, context: Context
    ) -> pb.GetDayReportResponse:
        _admit()
        day, interval_min = request.business_date, request.interval_min
        return wire.day_report(await self._run(self._reports.of, day, interval_min=interval_min))

    async def ListCertificates(
        self, request: pb.ListCertificatesRequest, context: Context
    ) -> pb.ListCertificatesResponse:
        _admit()
        day, site_id = request.business_date or None, request.site_id or None
        found = await self._run(self._stores.days.certificates, business_date=day, site_id=site_id)
        return pb.ListCertificatesResponse(certificates=map(wire.certificate, found))

    async def ListSites(self, request: pb.ListSitesRequest, context: Context) -> pb.ListSitesResponse:
        _admit()
        sites = await self._run(self._stores.sites.all)
        due = await self._run(self._stores.days.due)
        return pb.ListSitesResponse(
            sites=[
                wire.site(
                    site,
                    [day.business_date for day in due if day.site_id == site.site_id],
                    self._consolidator.board.of(site.site_id),
                )
                for site in sites
            ]
        )

    async def Consolidate(
        self, request: pb.ConsolidateRequest, context: Context
    ) -> AsyncIterator[pb.ConsolidateResponse]:
        _admit()
        tickets = await self._consolidator.ask(request.site_ids, includes_today=request.includes_today)
        async with aclosing(self._consolidator.board.changes()) as changes:
            async for sites in changes:
                is_over = self._consolidator.is_over(tickets)
                shown = [wire.progress(each) for each in sites if each.site_id in tickets]
                yield pb.ConsolidateResponse(sites=shown, is_over=is_over)
                if is_over:
                    return

    async def WatchConsolidation(
        self, request: pb.WatchConsolidationRequest, context: Context
    ) -> AsyncIterator[pb.WatchConsolidationResponse]:
        _admit()
        async with aclosing(self._consolidator.board.changes()) as changes:
            async for sites in changes:
                yield pb.WatchConsolidationResponse(sites=map(wire.progress, sites))

    async def ReadmitSite(self, request: pb.ReadmitSiteRequest, context: Context) -> pb.ReadmitSiteResponse:
        _admit()
        await self._consolidator.readmit(request.site_id)
        return pb.ReadmitSiteResponse()


def _admit() -> None:
    sender = peer()
    if sender is not None and sender.kind not in ("operator", "hq"):
        raise NotAnOperatorError(str(sender))


def _check_day_report(request: pb.GetDayReportRequest) -> None:
    day_from("business_date", request.business_date)
    validate.one_of("interval_min", request.interval_min, (0, *INTERVALS_MIN))


def _check_certificates(request: pb.ListCertificatesRequest) -> None:
    if request.business_date:
        day_from("business_date", request.business_date)
    if request.site_id:
        validate.site("site_id", request.site_id)


def _check_consolidate(request: pb.ConsolidateRequest) -> None:
    validate.at_most("site_ids", request.site_ids, SITES_LIMIT)
    for site_id in request.site_ids:
        validate.site("site_ids", site_id)


def _check_readmit(request: pb.ReadmitSiteRequest) -> None:
    validate.site("site_id", request.site_id)


CHECKS: Mapping[type[Message], Callable[[Any], None]] = {
    pb.GetDayReportRequest: _check_day_report,
    pb.ListCertificatesRequest: _check_certificates,
    pb.ConsolidateRequest: _check_consolidate,
    pb.ReadmitSiteRequest: _check_readmit,
}
