import asyncio
import contextlib

import pytest
from trunkline.desk.v1 import desk_pb2 as pb

from branch.people.refusals import RequestIdReusedError
from branch.serving import repeats
from branch.serving.repeats import Repeats
from router.errors import NotAcceptingError


class Work:
    """Counts how often it was really done."""

    def __init__(self, *, error: Exception | None = None) -> None:
        self.done_count = 0
        self.error = error
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> pb.HoldResponse:
        self.done_count += 1
        await self.may_end.wait()
        if self.error is not None:
            raise self.error
        return pb.HoldResponse()


HOLD = pb.HoldRequest(request_id="r1", leg_id="leg-1")


async def test_a_repeated_request_is_carried_out_once_and_answered_alike() -> None:
    seen, work = Repeats(key=b"k"), Work()

    first = await seen.once("kim", "r1", HOLD, work)
    second = await seen.once("kim", "r1", HOLD, work)

    assert (first, work.done_count) == (second, 1)


async def test_a_repeat_during_the_first_one_waits_for_its_answer() -> None:
    seen, work = Repeats(key=b"k"), Work()
    work.may_end.clear()
    first = asyncio.ensure_future(seen.once("kim", "r1", HOLD, work))
    second = asyncio.ensure_future(seen.once("kim", "r1", HOLD, work))
    await asyncio.sleep(0)

    work.may_end.set()

    assert await first == await second
    assert work.done_count == 1


async def test_a_caller_who_goes_away_leaves_no_request_half_done() -> None:
    seen, work = Repeats(key=b"k"), Work()
    work.may_end.clear()
    first = asyncio.ensure_future(seen.once("kim", "r1", HOLD, work))
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first

    work.may_end.set()
    await seen.once("kim", "r1", HOLD, work)

    assert work.done_count == 1


async def test_a_refusal_is_repeated_too() -> None:
    seen, work = Repeats(key=b"k"), Work(error=NotAcceptingError("drained"))

    for _ in range(2):
        with pytest.raises(NotAcceptingError):
            await seen.once("kim", "r1", HOLD, work)

    assert work.done_count == 1


async def test_a_fault_is_no_answer_and_may_be_tried_again() -> None:
    seen, work = Repeats(key=b"k"), Work(error=OSError("disk"))
    with pytest.raises(OSError, match="disk"):
        await seen.once("kim", "r1", HOLD, work)
    work.error = None

    assert await seen.once("kim", "r1", HOLD, work) == pb.HoldResponse()


async def test_another_request_under_the_same_id_is_refused() -> None:
    seen, work = Repeats(key=b"k"), Work()
    await seen.once("kim", "r1", HOLD, work)

    with pytest.raises(RequestIdReusedError):
        await seen.once("kim", "r1", pb.HoldRequest(request_id="r1", leg_id="leg-2"), work)
    with pytest.raises(RequestIdReusedError):
        await seen.once("kim", "r1", pb.ResumeRequest(request_id="r1", leg_id="leg-1"), work)


async def test_two_people_may_use_one_id() -> None:
    seen, work = Repeats(key=b"k"), Work()

    await seen.once("kim", "r1", HOLD, work)
    await seen.once("lee", "r1", HOLD, work)

    assert work.done_count == 2


async def test_answers_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "ANSWER_LIMIT", 3)
    seen, work = Repeats(key=b"k"), Work()

    for number in range(10):
        request = pb.HoldRequest(request_id=f"r{number}", leg_id="leg-1")
        await seen.once("kim", request.request_id, request, work)

    assert len(seen) == 3
