"""The far end of the hand-off bench: the echo's server and a helper's desk behind the link's.

A process of its own, as every site is: what a helper does after its answer has left holds up
nobody who reads the answer.
"""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import grpc
import uvloop
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import add_HandoffServiceServicer_to_server

from branch.serving.handoff import SERVICE, HandoffFace
from router.ids import SiteId
from sync.link.server import LinkServer
from sync.link.tls import Tls
from tests.fakes.cards import cards_at
from tests.fakes.desk import desk_with_agents
from tests.fakes.notes import NoNotes

HOST = "127.0.0.1"
AGENT_COUNT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the far end listens."""

    echo: int
    helper: int


@contextmanager
def far_end(tls: Tls, site_id: SiteId, origin: SiteId) -> Iterator[Ports]:
    """Serve as `site_id` until the block ends."""
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe()
    process = context.Process(target=_run, args=(tls, site_id, origin, far), daemon=True)
    process.start()
    far.close()
    try:
        yield near.recv()
    finally:
        near.close()
        process.join()


def _run(tls: Tls, site_id: SiteId, origin: SiteId, far: Connection) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(tls, site_id, origin, far))


async def _serve(tls: Tls, site_id: SiteId, origin: SiteId, far: Connection) -> None:
    echo = grpc.aio.server()
    echo.add_generic_rpc_handlers((_Echo(),))
    echo_port = echo.add_secure_port(f"{HOST}:0", tls.server_credentials())
    await echo.start()
    desk = desk_with_agents(site_id, peers=[origin], agent_count=AGENT_COUNT)
    helper = LinkServer(security=tls, registry=CollectorRegistry())
    add_HandoffServiceServicer_to_server(HandoffFace(desk, cards_at(), NoNotes()), helper.grpc_server)
    far.send(Ports(echo=echo_port, helper=await helper.start(HOST, 0, [SERVICE])))
    # Nothing is ever sent here: there is something to read once the near end is closed.
    await asyncio.to_thread(far.poll, None)
    await echo.stop(0)
    await helper.stop(0)
    desk.close()


class _Echo(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        async def unary(request: pb.ReserveRequest, _context: Any) -> pb.ReserveRequest:
            return request

        async def stream(
            requests: AsyncIterator[pb.ExchangeRequest], _context: Any
        ) -> AsyncIterator[pb.ExchangeRequest]:
            async for each in requests:
                yield each

        if handler_call_details.method == "/echo/unary":
            return grpc.unary_unary_rpc_method_handler(
                unary, pb.ReserveRequest.FromString, pb.ReserveRequest.SerializeToString
            )
        return grpc.stream_stream_rpc_method_handler(
            stream, pb.ExchangeRequest.FromString, pb.ExchangeRequest.SerializeToString
        )
