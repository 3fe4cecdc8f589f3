"""Links that break: how soon a peer notices, and how soon it is back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TypeAlias

import grpc
import pytest
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2, handoff_pb2_grpc

from sync.link.channel import open_channel
from sync.link.server import LinkServer
from sync.link.tls import Plaintext

SERVICE = "trunkline.handoff.v1.HandoffService"

Stub: TypeAlias = "handoff_pb2_grpc.HandoffServiceAsyncStub"


class EchoDesk(handoff_pb2_grpc.HandoffServiceServicer):
    """Answers everything at once."""

    async def Reserve(self, request, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N802 - generated names
        return handoff_pb2.ReserveResponse(incarnation=request.envelope.incarnation)

    async def Exchange(self, request_iterator, context):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, N802 - generated names
        async for frame in request_iterator:
            yield handoff_pb2.ExchangeResponse(incarnation=frame.envelope.incarnation)


async def serving(port: int = 0) -> tuple[LinkServer, int]:
    server = LinkServer(security=Plaintext(), registry=CollectorRegistry())
    desk = EchoDesk()  # type: ignore[abstract]  # two methods of six, on purpose
    handoff_pb2_grpc.add_HandoffServiceServicer_to_server(desk, server.grpc_server)
    return server, await server.start("127.0.0.1", port, [SERVICE])


class BlackHole:
    """A TCP way to a port that can swallow everything without a word, as a broken link does."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def swallow(self) -> None:
        self._is_open.clear()

    def heal(self) -> None:
        self._is_open.set()

    async def close(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        assert self._server is not None
        self._server.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        for pump in (self._pump(reader, there_writer), self._pump(there_reader, writer)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                await self._is_open.wait()
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass  # One end has gone; closing tells the other.
        finally:
            writer.close()


@pytest.fixture
async def hole() -> AsyncIterator[tuple[BlackHole, int]]:
    server, port = await serving()
    hole = BlackHole(port)
    yield hole, await hole.start()
    await server.stop(0)
    await hole.close()


def request(incarnation: int) -> handoff_pb2.ReserveRequest:
    return handoff_pb2.ReserveRequest(envelope=handoff_pb2.Envelope(incarnation=incarnation))


async def seconds_until_answered(stub: Stub, limit_s: float) -> float:
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        with suppress(grpc.aio.AioRpcError):
            await stub.Reserve(request(1), timeout=0.5)
            return loop.time() - started
        assert loop.time() - started < limit_s
        # An asker that fails at once asks again at a bounded rate, as the overflow does.
        await asyncio.sleep(0.05)


async def test_a_peer_that_restarts_is_reached_again_within_two_seconds() -> None:
    server, port = await serving()
    async with open_channel("127.0.0.1", port, Plaintext(), expected=None) as channel:
        stub = handoff_pb2_grpc.HandoffServiceStub(channel)
        await stub.Reserve(request(1), timeout=5)
        await server.stop(0)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Reserve(request(1), timeout=0.5)

        restarted, _ = await serving(port)
        took_s = await seconds_until_answered(stub, limit_s=10)
        await restarted.stop(0)

    assert took_s < 2


async def test_a_link_that_swallows_everything_ends_its_stream_within_ten_seconds(
    hole: tuple[BlackHole, int],
) -> None:
    way, port = hole
    async with open_channel("127.0.0.1", port, Plaintext(), expected=None) as channel:
        stub = handoff_pb2_grpc.HandoffServiceStub(channel)
        stream = stub.Exchange()
        await stream.write(handoff_pb2.ExchangeRequest(envelope=handoff_pb2.Envelope(incarnation=7)))
        assert await stream.read() == handoff_pb2.ExchangeResponse(incarnation=7)

        way.swallow()
        async with asyncio.timeout(10):
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await stream.read()
        way.heal()
        took_s = await seconds_until_answered(stub, limit_s=10)

    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert took_s < 2


async def test_a_call_into_a_black_hole_ends_with_its_deadline(hole: tuple[BlackHole, int]) -> None:
    way, port = hole
    async with open_channel("127.0.0.1", port, Plaintext(), expected=None) as channel:
        stub = handoff_pb2_grpc.HandoffServiceStub(channel)
        await stub.Reserve(request(1), timeout=5)

        way.swallow()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stub.Reserve(request(1), timeout=0.5)

    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_stopping_lets_live_calls_end() -> None:
    server, port = await serving()
    async with open_channel("127.0.0.1", port, Plaintext(), expected=None) as channel:
        stream = handoff_pb2_grpc.HandoffServiceStub(channel).Exchange()
        await stream.write(handoff_pb2.ExchangeRequest(envelope=handoff_pb2.Envelope(incarnation=1)))
        await stream.read()

        stopping = asyncio.create_task(server.stop(5))
        await stream.write(handoff_pb2.ExchangeRequest(envelope=handoff_pb2.Envelope(incarnation=2)))
        last = await stream.read()
        await stream.done_writing()
        await stopping

    assert last == handoff_pb2.ExchangeResponse(incarnation=2)
