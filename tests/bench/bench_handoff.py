"""A Reserve over loopback against a bare grpc.aio echo, taking turns in one run.

Both send the same messages over mutual TLS on the same loop. The echo's server gives each
message back as it came; the Reserve's has the link's interceptor, validation, translation,
the floor with its agents and the stamping of rows, and its client the matching of answers:
the ratio is what all of ours costs. `reserve` compares unary calls, `exchange` frames of a
long-lived stream, which is the normal way between sites and the faster one for both.
"""

import asyncio
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import uvloop
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import HandoffServiceStub, add_HandoffServiceServicer_to_server

from branch.peers.line import PeerLine
from branch.peers.wire import Asked, request_frame
from branch.serving.handoff import SERVICE, HandoffFace
from node import pki
from router.call import CallContext
from router.facts import SiteReplied, SiteSilent
from router.ids import CallId, HandoffId, QueueId, SiteId, Skill
from router.overflow.messages import Cancel, Reserve, Reserved
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.server import LinkServer
from sync.link.tls import Tls
from tests.fakes.cards import cards_at
from tests.fakes.desk import FRENCH, SALES, desk_with_agents
from tests.fakes.notes import NoNotes

WARM_UP_COUNT = 200
PAIR_COUNT = 2_000
AGENT_COUNT = 50
RATIO_GOAL = 2.0
EXCHANGE_RATIO_GOAL = 1.5
EXCHANGE_P99_RATIO_GOAL = 3.0
COMMAND = "make bench"

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")

Measure = Callable[[], Awaitable[float]]


# --- the bare echo ---------------------------------------------------------------------


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


class EchoSide:
    """Server and client of the echo."""

    def __init__(self, tls: Mapping[SiteId, Tls], frame: pb.ExchangeRequest) -> None:
        self._tls = tls
        self._frame = frame
        self._message = pb.ReserveRequest(envelope=frame.envelope, reserve=frame.reserve)
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Echo(),))
        self._channel: grpc.aio.Channel | None = None
        self._call: Any = None
        self._unary: Any = None

    async def start(self) -> None:
        port = self._server.add_secure_port("127.0.0.1:0", self._tls[URUMQI].server_credentials())
        await self._server.start()
        name = (("grpc.ssl_target_name_override", self._tls[URUMQI].owner.server_name),)
        credentials = self._tls[BEIJING].channel_credentials()
        self._channel = grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options=name)
        frame, message = pb.ExchangeRequest, pb.ReserveRequest
        self._unary = self._channel.unary_unary("/echo/unary", message.SerializeToString, message.FromString)
        stream = self._channel.stream_stream("/echo/stream", frame.SerializeToString, frame.FromString)
        self._call = stream()

    async def unary(self) -> float:
        began = time.perf_counter()
        await self._unary(self._message, timeout=5)
        return time.perf_counter() - began

    async def stream(self) -> float:
        began = time.perf_counter()
        await self._call.write(self._frame)
        await self._call.read()
        return time.perf_counter() - began

    async def close(self) -> None:
        self._call.cancel()
        if self._channel is not None:
            await self._channel.close()
        await self._server.stop(0)


# --- the Reserve -----------------------------------------------------------------------


class ReserveSide:
    """A helper's desk behind a real server, and an origin's line to it."""

    def __init__(self, tls: Mapping[SiteId, Tls]) -> None:
        self._tls = tls
        self._desk = desk_with_agents(URUMQI, peers=[BEIJING], agent_count=AGENT_COUNT)
        self._cards, self._notes = cards_at(), NoNotes()
        self._server = LinkServer(security=self._tls[URUMQI], registry=CollectorRegistry())
        self._replied: asyncio.Future[SiteReplied | SiteSilent] | None = None
        self._heard_at = 0.0
        self._rng = random.Random(1)
        self._line: PeerLine | None = None
        self._stub: Any = None
        self._channel: grpc.aio.Channel | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        face = HandoffFace(self._desk, self._cards, self._notes)
        add_HandoffServiceServicer_to_server(face, self._server.grpc_server)
        port = await self._server.start("127.0.0.1", 0, [SERVICE])
        expected = Peer.from_uri("trunkline://bench/site/urumqi")
        self._channel = open_channel("127.0.0.1", port, self._tls[BEIJING], expected=expected)
        self._stub = HandoffServiceStub(self._channel)
        self._line = PeerLine(
            site_id=URUMQI,
            channel=open_channel("127.0.0.1", port, self._tls[BEIJING], expected=expected),
            tell=self._tell,
            keep_guest=self._cards.keep_guest,
            answer_limit_s=5.0,
            request_limit=16,
            rng=self._rng,
        )
        self._running = asyncio.create_task(self._line.run())
        await self._line.until_connected()

    async def stream(self) -> float:
        """One Reserve over the long-lived stream, until the floor would hear; its Cancel is not measured."""
        request = self.reserve()
        began = time.perf_counter()
        fact = await self._ask(request)
        took = self._heard_at - began
        assert isinstance(fact, SiteReplied), fact
        assert isinstance(fact.reply, Reserved), fact
        await self._ask(Cancel(handoff_id=request.handoff_id, reason="BENCH"))
        return took

    async def unary(self) -> float:
        asked = _asked(self.reserve())
        frame = request_frame(asked, timeout_ms=5_000)
        message = pb.ReserveRequest(envelope=frame.envelope, reserve=frame.reserve)
        began = time.perf_counter()
        await self._stub.Reserve(message, timeout=5)
        took = time.perf_counter() - began
        await self._ask(Cancel(handoff_id=asked.request.handoff_id, reason="BENCH"))
        return took

    async def close(self) -> None:
        assert self._running is not None
        assert self._line is not None
        assert self._channel is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._line.close()
        await self._channel.close()
        await self._server.stop(0)
        self._desk.close()

    def _tell(self, fact: SiteReplied | SiteSilent) -> None:
        assert self._replied is not None
        self._heard_at = time.perf_counter()
        self._replied.set_result(fact)

    async def _ask(self, request: Reserve | Cancel) -> SiteReplied | SiteSilent:
        assert self._line is not None
        self._replied = asyncio.get_running_loop().create_future()
        self._line.ask(_asked(request))
        return await self._replied

    def reserve(self) -> Reserve:
        call = CallContext(
            call_id=CallId(self._uuid()),
            queue_id=QueueId(SALES),
            skills=frozenset(Skill(each) for each in FRENCH),
            priority=0,
            customer_id=None,
            waited_ms=1_000,
        )
        return Reserve(handoff_id=HandoffId(self._uuid()), call=call, timeout_ms=5_000)

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))


def _asked(request: Reserve | Cancel) -> Asked:
    return Asked(site_id=BEIJING, incarnation=1, asked_incarnation=0, request=request)


def _certificates(folder: Path) -> dict[SiteId, Tls]:
    now = datetime.now(UTC)
    pki.init_ca(folder, "bench", now=now)
    issued = {site_id: pki.issue(folder, "site", site_id, [], now=now) for site_id in (BEIJING, URUMQI)}
    return {
        site_id: Tls.read(folder / "ca.pem", each.certificate, each.key) for site_id, each in issued.items()
    }


# --- both ------------------------------------------------------------------------------


async def _measure(folder: Path) -> dict[str, list[float]]:
    tls = _certificates(folder)
    reserve = ReserveSide(tls)
    await reserve.start()
    echo = EchoSide(tls, request_frame(_asked(reserve.reserve()), timeout_ms=5_000))
    await echo.start()
    sides: dict[str, Measure] = {
        "echo_stream": echo.stream,
        "reserve_stream": reserve.stream,
        "echo_unary": echo.unary,
        "reserve_unary": reserve.unary,
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(WARM_UP_COUNT + PAIR_COUNT):
        for name, measure in sides.items():
            took[name].append(await measure())
    await echo.close()
    await reserve.close()
    return {name: each[WARM_UP_COUNT:] for name, each in took.items()}


def results() -> list[dict[str, Any]]:
    """Measure and return the rows of the report."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-handoff-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        took = runner.run(_measure(Path(folder) / "pki"))
    p50 = {name: statistics.median(each) for name, each in took.items()}
    p99 = {name: statistics.quantiles(each, n=100)[98] for name, each in took.items()}
    exchange_ratio = p50["reserve_stream"] / p50["echo_stream"]
    p99_ratio = p99["reserve_stream"] / p99["echo_stream"]
    return [
        _row("handoff/reserve_vs_echo", p50["reserve_unary"] / p50["echo_unary"], "ratio", RATIO_GOAL),
        _row("handoff/exchange_vs_echo", exchange_ratio, "ratio", EXCHANGE_RATIO_GOAL),
        _row("handoff/exchange_p99_vs_echo_p99", p99_ratio, "ratio", EXCHANGE_P99_RATIO_GOAL),
        _row("handoff/exchange_p50", p50["reserve_stream"] * 1_000, "ms", None),
        _row("handoff/exchange_p99", p99["reserve_stream"] * 1_000, "ms", None),
        _row("handoff/exchange_echo_p50", p50["echo_stream"] * 1_000, "ms", None),
    ]


def _row(name: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "better": "lower",
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
