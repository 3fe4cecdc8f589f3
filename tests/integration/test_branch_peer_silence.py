"""A peer that takes requests and does not answer them: each is given up in its own time."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry
from trunkline.handoff.v1 import handoff_pb2 as pb

from branch.peers.line import PeerLine
from branch.peers.wire import Asked, read_request, reply_frame
from branch.serving.handoff import SERVICE
from router.facts import SiteReplied, SiteSilent
from router.ids import HandoffId, SiteId
from router.overflow.messages import Acknowledged, Confirm, GetHandoff, Request
from sync.link.channel import open_channel
from sync.link.server import LinkServer
from sync.link.tls import Plaintext

URUMQI = SiteId("urumqi")
ANSWER_LIMIT_S = 0.6
BETWEEN_S = 0.2
EARLY_S = 0.005
"""Timers count in milliseconds."""

FIRST = HandoffId("0190a0a0-0000-7000-8000-000000000001")
SECOND = HandoffId("0190a0a0-0000-7000-8000-000000000002")


async def half_deaf(
    requests: AsyncIterator[pb.ExchangeRequest], context: grpc.aio.ServicerContext[Any, Any]
) -> None:
    """Answers a Confirm, and nothing else."""
    await context.send_initial_metadata(())
    async for frame in requests:
        request = read_request(frame).request
        if isinstance(request, Confirm):
            reply = Acknowledged(handoff_id=request.handoff_id)
            await context.write(reply_frame(request, reply, incarnation=1))


class Floor:
    """What it was told, with the moment."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[float, SiteReplied | SiteSilent]] = asyncio.Queue()

    def tell(self, fact: SiteReplied | SiteSilent) -> None:
        self._told.put_nowait((asyncio.get_running_loop().time(), fact))

    async def next(self) -> tuple[float, SiteReplied | SiteSilent]:
        async with asyncio.timeout(10):
            return await self._told.get()


@pytest.fixture
def floor() -> Floor:
    return Floor()


@pytest.fixture
async def line(floor: Floor) -> AsyncIterator[PeerLine]:
    server = LinkServer(security=Plaintext(), registry=CollectorRegistry())
    exchange = grpc.stream_stream_rpc_method_handler(
        half_deaf, pb.ExchangeRequest.FromString, pb.ExchangeResponse.SerializeToString
    )
    methods = grpc.method_handlers_generic_handler(SERVICE, {"Exchange": exchange})
    server.grpc_server.add_generic_rpc_handlers((methods,))
    port = await server.start("127.0.0.1", 0, [SERVICE])
    made = PeerLine(
        site_id=URUMQI,
        channel=open_channel("127.0.0.1", port, Plaintext(), expected=None),
        tell=floor.tell,
        keep_guest=lambda _handoff, _card: None,
        answer_limit_s=ANSWER_LIMIT_S,
        request_limit=16,
        rng=random.Random(1),
    )
    running = asyncio.create_task(made.run())
    async with asyncio.timeout(10):
        await made.until_connected()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await made.close()
    await server.stop(0)


def ask(line: PeerLine, request: Request) -> float:
    """Ask, and say when."""
    line.ask(Asked(site_id=SiteId("beijing"), incarnation=1, asked_incarnation=0, request=request))
    return asyncio.get_running_loop().time()


def silence_of(handoff_id: HandoffId) -> SiteSilent:
    return SiteSilent(site_id=URUMQI, request=GetHandoff(handoff_id=handoff_id))


async def test_each_unanswered_request_is_given_up_in_its_own_time(line: PeerLine, floor: Floor) -> None:
    first_at = ask(line, GetHandoff(handoff_id=FIRST))
    await asyncio.sleep(BETWEEN_S)
    second_at = ask(line, GetHandoff(handoff_id=SECOND))

    heard_first_at, first = await floor.next()
    heard_second_at, second = await floor.next()

    assert (first, second) == (silence_of(FIRST), silence_of(SECOND))
    assert heard_first_at - first_at >= ANSWER_LIMIT_S - EARLY_S
    assert heard_second_at - second_at >= ANSWER_LIMIT_S - EARLY_S
    assert line.is_connected


async def test_a_repeated_request_waits_anew_and_is_given_up_once(line: PeerLine, floor: Floor) -> None:
    ask(line, GetHandoff(handoff_id=FIRST))
    await asyncio.sleep(BETWEEN_S)
    ask(line, GetHandoff(handoff_id=SECOND))
    await asyncio.sleep(BETWEEN_S)
    repeated_at = ask(line, GetHandoff(handoff_id=FIRST))

    _, first = await floor.next()
    heard_at, second = await floor.next()
    ask(line, Confirm(handoff_id=FIRST))
    _, third = await floor.next()

    assert (first, second) == (silence_of(SECOND), silence_of(FIRST))
    assert heard_at - repeated_at >= ANSWER_LIMIT_S - EARLY_S
    assert isinstance(third, SiteReplied)


async def test_what_is_answered_meanwhile_does_not_keep_the_others_from_being_given_up(
    line: PeerLine, floor: Floor
) -> None:
    ask(line, Confirm(handoff_id=FIRST))
    _, answered = await floor.next()
    await asyncio.sleep(BETWEEN_S)
    asked_at = ask(line, GetHandoff(handoff_id=SECOND))

    heard_at, silent = await floor.next()

    assert isinstance(answered, SiteReplied)
    assert silent == silence_of(SECOND)
    assert heard_at - asked_at >= ANSWER_LIMIT_S - EARLY_S
