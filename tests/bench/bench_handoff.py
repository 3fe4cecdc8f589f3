"""A Reserve over loopback against a bare grpc.aio echo, taking turns in one run.

Both send the same messages over mutual TLS from one process to one other. The echo's server
gives each message back as it came; the Reserve's has the link's interceptor, validation,
translation, the floor with its agents and the stamping of rows, and its client the matching of
answers: the ratio is what all of ours costs. `reserve` compares unary calls, `exchange` frames
of a long-lived stream, which is the normal way between sites and the faster one for both.
"""

import asyncio
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import uvloop
from trunkline.handoff.v1 import handoff_pb2 as pb
from trunkline.handoff.v1.handoff_pb2_grpc import HandoffServiceStub

from branch.peers.line import PeerLine
from branch.peers.wire import Asked, request_frame
from node import pki
from router.call import CallContext
from router.facts import SiteReplied, SiteSilent
from router.ids import CallId, HandoffId, QueueId, SiteId, Skill
from router.overflow.messages import Cancel, Reserve, Reserved
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.tls import Tls
from tests.bench.handoff_far_end import HOST, Ports, far_end
from tests.fakes.cards import cards_at
from tests.fakes.desk import FRENCH, SALES

WARM_UP_COUNT = 200
PAIR_COUNT = 2_000
RATIO_GOAL = 2.0
EXCHANGE_RATIO_GOAL = 1.5
EXCHANGE_P99_RATIO_GOAL = 3.0
COMMAND = "make bench"

BEIJING, URUMQI = SiteId("beijing"), SiteId("urumqi")
EXPECTED = Peer(cluster="bench", kind="site", name=URUMQI)

Measure = Callable[[], Awaitable[float]]


# --- the bare echo ---------------------------------------------------------------------


class EchoSide:
    """The echo's client."""

    def __init__(self, tls: Tls, port: int, frame: pb.ExchangeRequest) -> None:
        self._frame = frame
        self._message = pb.ReserveRequest(envelope=frame.envelope, reserve=frame.reserve)
        name = (("grpc.ssl_target_name_override", EXPECTED.server_name),)
        self._channel = grpc.aio.secure_channel(f"{HOST}:{port}", tls.channel_credentials(), options=name)
        each, message = pb.ExchangeRequest, pb.ReserveRequest
        self._unary = self._channel.unary_unary("/echo/unary", message.SerializeToString, message.FromString)
        self._call = self._channel.stream_stream("/echo/stream", each.SerializeToString, each.FromString)()

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
        await self._channel.close()


# --- the Reserve -----------------------------------------------------------------------


class ReserveSide:
    """An origin's line to the helper."""

    def __init__(self, tls: Tls, port: int) -> None:
        self._replied: asyncio.Future[SiteReplied | SiteSilent] | None = None
        self._heard_at = 0.0
        self._rng = random.Random(1)
        self._channel = open_channel(HOST, port, tls, expected=EXPECTED)
        self._stub = HandoffServiceStub(self._channel)
        self._line = PeerLine(
            site_id=URUMQI,
            channel=open_channel(HOST, port, tls, expected=EXPECTED),
            tell=self._tell,
            keep_guest=cards_at().keep_guest,
            answer_limit_s=5.0,
            request_limit=16,
            rng=self._rng,
        )
        self._running = asyncio.create_task(self._line.run())

    async def until_connected(self) -> None:
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
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._line.close()
        await self._channel.close()

    def _tell(self, fact: SiteReplied | SiteSilent) -> None:
        assert self._replied is not None
        self._heard_at = time.perf_counter()
        self._replied.set_result(fact)

    async def _ask(self, request: Reserve | Cancel) -> SiteReplied | SiteSilent:
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


async def _measure(tls: Tls, ports: Ports) -> dict[str, list[float]]:
    reserve = ReserveSide(tls, ports.helper)
    await reserve.until_connected()
    echo = EchoSide(tls, ports.echo, request_frame(_asked(reserve.reserve()), timeout_ms=5_000))
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
    with tempfile.TemporaryDirectory(prefix="bench-handoff-") as folder:
        tls = _certificates(Path(folder) / "pki")
    with (
        far_end(tls[URUMQI], URUMQI, BEIJING) as ports,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        took = runner.run(_measure(tls[BEIJING], ports))
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
