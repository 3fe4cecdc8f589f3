"""How long HQ bears a branch that says nothing: while it owes that branch an answer, as long as it takes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import pytest
from trunkline.journal.v1 import journal_pb2 as pb
from trunkline.journal.v1.journal_pb2_grpc import (
    JournalServiceServicer,
    add_JournalServiceServicer_to_server,
)

from sync.journal import wire
from sync.journal.batch import Batch, Packing, next_chain
from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.receiving import pull as receiving
from sync.journal.receiving.pull import Plan, Pull, open_pull
from sync.journal.refusals import ConversationError
from tests.journals import DAY

LIMIT_S = 0.4
PLAN = Plan(stream="agents", epoch=1, begin=UNMARKED, to=Position(0, 9))

Requests = AsyncIterator[pb.PullRequest]
Say = Callable[[pb.PullResponse], Awaitable[None]]
Branch = Callable[[Requests, Say], Awaitable[None]]

pytestmark = pytest.mark.timeout(30)


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "STEP_LIMIT_S", LIMIT_S)


class Played(JournalServiceServicer):
    """A branch that does as it is written in a test."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    async def Pull(  # type: ignore[override]  # noqa: N802 - the stub knows one of the two styles
        self, request_iterator: Requests, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        await self._branch(request_iterator, context.write)


@asynccontextmanager
async def talking_to(branch: Branch) -> AsyncIterator[Pull]:
    server = grpc.aio.server()
    add_JournalServiceServicer_to_server(Played(branch), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, open_pull(channel) as pull:
            yield pull
    finally:
        await server.stop(0)


def batch(rev: int) -> pb.PullResponse:
    """One agent, after the one before it."""
    packing = Packing()
    packing.add_row(("beijing", f"beijing/{rev}", "A", "[]", DAY, rev))
    made = Batch(
        stream="agents",
        lo=Position(0, rev - 1),
        hi=Position(0, rev),
        payload=packing.payload(),
        previous_chain=b"",
    )
    return pb.PullResponse(batch=wire.batch_to(made))


END = pb.PullResponse(stream_end=pb.StreamEnd(stream="agents"))


def mark(rev: int) -> Mark:
    chain = next_chain(b"", "agents", Position(0, rev - 1), Position(0, rev), b"")
    return Mark(position=Position(0, rev), nonce=b"n", chain=chain)


async def ever() -> None:
    """Say nothing any more."""
    await asyncio.Event().wait()


async def test_a_branch_that_waits_for_an_answer_of_ours_may_wait() -> None:
    async def branch(requests: Requests, say: Say) -> None:
        await anext(requests)
        await say(batch(1))
        await anext(requests)
        await say(END)

    async with talking_to(branch) as pull, aclosing(pull.batches(PLAN)) as batches:
        await anext(batches)
        ahead = asyncio.ensure_future(anext(batches, None))
        early = await asyncio.wait((ahead,), timeout=3 * LIMIT_S)
        await pull.ack("agents", mark(1))

        assert early[0] == set()
        assert await ahead is None


async def test_a_branch_that_says_nothing_after_our_answer_is_given_up_and_not_before_its_time() -> None:
    async def branch(requests: Requests, say: Say) -> None:
        await anext(requests)
        await say(batch(1))
        await ever()

    loop = asyncio.get_running_loop()
    async with talking_to(branch) as pull, aclosing(pull.batches(PLAN)) as batches:
        await anext(batches)
        ahead = asyncio.ensure_future(anext(batches, None))
        await asyncio.wait((ahead,), timeout=0.9 * LIMIT_S)
        answered_at = loop.time()
        await pull.ack("agents", mark(1))
        with pytest.raises(ConversationError, match="said nothing"):
            await ahead

        assert loop.time() - answered_at >= LIMIT_S


async def test_what_was_on_the_way_when_a_batch_was_refused_gives_nobody_time() -> None:
    async def branch(requests: Requests, say: Say) -> None:
        await anext(requests)
        for rev in (1, 2, 3):
            await say(batch(rev))
        await ever()

    async with talking_to(branch) as pull, aclosing(pull.batches(PLAN)) as batches:
        seen = [await anext(batches), await anext(batches)]
        await pull.nack("agents", UNMARKED, "DIGEST")
        seen.append(await anext(batches))
        with pytest.raises(ConversationError, match="said nothing"):
            await anext(batches)

    assert [each.hi.rev for each in seen] == [1, 2, 3]


async def test_a_batch_that_comes_again_after_a_refusal_is_waited_for_like_the_first() -> None:
    async def branch(requests: Requests, say: Say) -> None:
        await anext(requests)
        await say(batch(1))
        await say(batch(2))
        await anext(requests)
        await say(batch(1))
        await anext(requests)
        await say(END)

    async with talking_to(branch) as pull, aclosing(pull.batches(PLAN)) as batches:
        await anext(batches)
        await anext(batches)
        await pull.nack("agents", UNMARKED, "DIGEST")
        again = await anext(batches)
        ahead = asyncio.ensure_future(anext(batches, None))
        early = await asyncio.wait((ahead,), timeout=2 * LIMIT_S)
        await pull.ack("agents", mark(1))

        assert again.hi.rev == 1
        assert early[0] == set()
        assert await ahead is None


async def test_a_stream_begins_with_nothing_unanswered_whatever_the_one_before_it_left() -> None:
    async def branch(requests: Requests, say: Say) -> None:
        await anext(requests)
        await say(batch(1))
        await say(END)
        await ever()

    async with talking_to(branch) as pull:
        async with aclosing(pull.batches(PLAN)) as batches:
            assert [each.hi.rev async for each in batches] == [1]
        with pytest.raises(ConversationError, match="said nothing"):
            await anext(pull.batches(PLAN))
