"""A look at a peer: what its certificate, and what its answer, say of it."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from prometheus_client import CollectorRegistry
from trunkline.site.v1 import site_pb2 as pb

from branch.peers.line import PeerLine
from branch.serving.site import SERVICE
from node import pki
from router.ids import SiteId
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.server import LinkServer
from sync.link.tls import Tls

URUMQI = SiteId("urumqi")
NOW = datetime.now(UTC)
THEIRS_US = 1_000_000


async def get_status(
    request: pb.GetStatusRequest, context: grpc.aio.ServicerContext[Any, Any]
) -> pb.GetStatusResponse:
    """How urumqi is."""
    return pb.GetStatusResponse(site_id=URUMQI, utc_us=THEIRS_US)


def tls(folder: Path, site: str, *, issued_at: datetime = NOW) -> Tls:
    issued = pki.issue(folder, "site", site, [], now=issued_at, days=30)
    return Tls.read(folder / "ca.pem", issued.certificate, issued.key)


class Pair:
    """A line of beijing's to urumqi, who may be started again with another certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server: LinkServer | None = None
        self._line: PeerLine | None = None

    async def line_to(self, security: Tls) -> PeerLine:
        self._server = LinkServer(security=security, registry=CollectorRegistry())
        status = grpc.unary_unary_rpc_method_handler(
            get_status, pb.GetStatusRequest.FromString, pb.GetStatusResponse.SerializeToString
        )
        methods = grpc.method_handlers_generic_handler(SERVICE, {"GetStatus": status})
        self._server.grpc_server.add_generic_rpc_handlers((methods,))
        port = await self._server.start("127.0.0.1", 0, [SERVICE])
        expected = Peer(cluster="demo", kind="site", name=URUMQI)
        self._line = PeerLine(
            site_id=URUMQI,
            channel=open_channel("127.0.0.1", port, tls(self.folder, "beijing"), expected=expected),
            tell=lambda _fact: None,
            keep_guest=lambda _handoff, _card: None,
            answer_limit_s=1.0,
            request_limit=1,
            rng=random.Random(1),
        )
        return self._line

    async def close_server(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            await server.stop(0)

    async def close(self) -> None:
        if self._line is not None:
            await self._line.close()
        await self.close_server()


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    pki.init_ca(tmp_path, "demo", now=NOW - timedelta(days=100))
    pair = Pair(tmp_path)
    yield pair
    await pair.close()


async def test_a_peer_whose_certificate_has_ended_is_told_of_once_with_the_reason(pair: Pair) -> None:
    line = await pair.line_to(tls(pair.folder, URUMQI, issued_at=NOW - timedelta(days=40)))

    with structlog.testing.capture_logs() as said:
        await line.look()
        await line.look()

    assert line.problem == "CERTIFICATE_VERIFY_FAILED: certificate has expired"
    assert [(each["event"], each["peer"]) for each in said] == [("peer_tls_failed", URUMQI)]


async def test_a_peer_that_is_well_has_no_problem(pair: Pair) -> None:
    line = await pair.line_to(tls(pair.folder, URUMQI))

    with structlog.testing.capture_logs() as said:
        utc_us = await line.look()

    assert (line.problem, utc_us) == ("", THEIRS_US)
    assert said == []


async def test_a_peer_that_is_merely_away_is_no_matter_of_certificates(pair: Pair) -> None:
    line = await pair.line_to(tls(pair.folder, URUMQI))
    await pair.close_server()

    assert await line.look() is None
    assert line.problem == ""
