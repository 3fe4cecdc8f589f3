"""An operator's tool at HQ's ReportService: one call, one answer, or the refusal.

Answers are plain dictionaries, the messages field by field: what `--json` prints.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from trunkline.report.v1 import report_pb2 as pb
from trunkline.report.v1.report_pb2_grpc import ReportServiceStub

from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.status import refusal_from
from sync.link.tls import Security, Tls

Plain = dict[str, Any]

ANSWER_LIMIT_S = 60.0
"""A report over a big day reads millions of rows."""


class HqClient:
    """A connection to HQ. Made by `connect`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = ReportServiceStub(channel)

    async def day_report(self, business_date: str, interval_min: int = 0) -> Plain:
        """A day's figures; by intervals of so many minutes too, unless it is 0."""
        request = pb.GetDayReportRequest(business_date=business_date, interval_min=interval_min)
        try:
            return plain(await self._stub.GetDayReport(request, timeout=ANSWER_LIMIT_S))
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error

    async def certificates(self, business_date: str, site_id: str) -> list[Plain]:
        """Certificates; empty text stands for all."""
        request = pb.ListCertificatesRequest(business_date=business_date, site_id=site_id)
        try:
            response = await self._stub.ListCertificates(request, timeout=ANSWER_LIMIT_S)
            return [plain(each) for each in response.certificates]
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error

    async def sites(self) -> list[Plain]:
        """Every site."""
        try:
            response = await self._stub.ListSites(pb.ListSitesRequest(), timeout=ANSWER_LIMIT_S)
            return [plain(each) for each in response.sites]
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error

    async def readmit(self, site_id: str) -> None:
        """Let a frozen site in again."""
        try:
            await self._stub.ReadmitSite(pb.ReadmitSiteRequest(site_id=site_id), timeout=ANSWER_LIMIT_S)
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error

    async def consolidate(
        self, site_ids: Sequence[str], *, includes_today: bool
    ) -> AsyncGenerator[list[Plain]]:
        """Pull now; yields each site's progress as it goes, until all are over."""
        call = self._stub.Consolidate(pb.ConsolidateRequest(site_ids=site_ids, includes_today=includes_today))
        try:
            async for response in call:
                yield [plain(each) for each in response.sites]
        except grpc.aio.AioRpcError as error:
            raise refusal_from(error) from error
        finally:
            call.cancel()


@asynccontextmanager
async def connect(host: str, port: int, security: Security) -> AsyncIterator[HqClient]:
    """A connection to the HQ of our certificate's cluster.

    Raises:
        RefusedError: what was asked is refused, or HQ does not answer.
    """
    hq = Peer(cluster=security.owner.cluster, kind="hq", name="hq") if isinstance(security, Tls) else None
    async with open_channel(host, port, security, expected=hq) as channel:
        yield HqClient(channel)


def plain(message: Message) -> Plain:
    """A message as a dictionary: bytes in hex, what is absent as None, numbers as numbers."""
    return {field.name: _plain_value(message, field) for field in message.DESCRIPTOR.fields}


def _plain_value(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.has_presence and not message.HasField(field.name):
        return None
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.message_type is not None:
        return [plain(each) for each in value] if field.is_repeated else plain(value)
    if field.is_repeated:
        return list(value)
    return value.hex() if isinstance(value, bytes) else value
