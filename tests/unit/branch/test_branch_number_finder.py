"""Numbers are looked up off the event loop, when they are dialled."""

import asyncio

from sqlalchemy.exc import OperationalError

from branch.customers.number_finder import NumberFinder
from router.facts import Fact, NumberFound
from router.ids import CallId
from router.orders import FindNumber

ORDER = FindNumber(call_id=CallId("out"), caller_of=CallId("c1"))
NUMBERS = {CallId("c1"): "+861066661111"}


async def found(order: FindNumber, *, is_down: bool = False) -> list[Fact]:
    told: list[Fact] = []
    tasks: list[asyncio.Task[None]] = []

    def number_of(call_id: CallId) -> str | None:
        if is_down:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return NUMBERS.get(call_id)

    finder = NumberFinder(
        number_of=number_of,
        tell=told.append,
        start_task=lambda coroutine: tasks.append(asyncio.create_task(coroutine)),
    )
    finder.find(order)
    await asyncio.gather(*tasks)
    return told


async def test_the_number_of_the_caller_is_told_for_the_call_that_goes_out() -> None:
    assert await found(ORDER) == [NumberFound(call_id=CallId("out"), number="+861066661111")]


async def test_an_erased_number_is_told_as_none() -> None:
    order = FindNumber(call_id=CallId("out"), caller_of=CallId("erased"))

    assert await found(order) == [NumberFound(call_id=CallId("out"), number=None)]


async def test_a_database_that_is_away_ends_no_process_and_tells_no_wrong_number() -> None:
    assert await found(ORDER, is_down=True) == []
