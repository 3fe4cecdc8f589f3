"""A crowd at one address waits behind itself."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from branch.people.refusals import LoginLimitedError
from branch.people.turns import ADDRESS_LIMIT, CONCURRENT_LIMIT, WAITING_LIMIT, Turns

CROWD, OWNER = "203.0.113.9", "10.0.0.7"


class Door:
    """Who had a turn, in order; a turn lasts until the test lets it end."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.in_turn: list[str] = []
        self.may_end = asyncio.Event()

    async def try_from(self, address: str) -> None:
        async with self.turns.turn(address):
            self.in_turn.append(address)
            await self.may_end.wait()

    async def crowd(self, tasks: asyncio.TaskGroup, addresses: list[str]) -> None:
        for address in addresses:
            tasks.create_task(self.try_from(address))
        await asyncio.sleep(0)


async def test_a_crowd_at_one_address_keeps_one_turn_busy_and_others_get_in_at_once() -> None:
    door = Door()

    async with asyncio.TaskGroup() as tasks:
        await door.crowd(tasks, [CROWD] * ADDRESS_LIMIT)
        with pytest.raises(LoginLimitedError):
            await door.try_from(CROWD)
        await door.crowd(tasks, [OWNER])
        assert door.in_turn == [CROWD, OWNER]
        door.may_end.set()

    assert door.in_turn.count(CROWD) == ADDRESS_LIMIT


async def test_whoever_comes_behind_crowds_at_many_addresses_waits_for_one_of_each() -> None:
    door = Door()
    crowds = [f"203.0.113.{number}" for number in range(CONCURRENT_LIMIT + 1)]

    async with asyncio.TaskGroup() as tasks:
        await door.crowd(tasks, crowds * 5)
        await door.crowd(tasks, [OWNER])
        assert door.in_turn == crowds[:CONCURRENT_LIMIT]
        door.may_end.set()

    assert door.in_turn.index(OWNER) == len(crowds)


async def test_the_waiting_are_bounded_over_all_addresses_and_a_place_left_is_free_again() -> None:
    turns = Turns()
    with_a_turn = [f"10.0.0.{number}" for number in range(CONCURRENT_LIMIT)]

    async with AsyncExitStack() as held:
        for address in with_a_turn:
            await held.enter_async_context(turns.turn(address))
        waiting = [
            asyncio.create_task(turns.turn(f"10.1.{number}.1").__aenter__())
            for number in range(WAITING_LIMIT - CONCURRENT_LIMIT)
        ]
        await asyncio.sleep(0)
        with pytest.raises(LoginLimitedError):
            await turns.turn(OWNER).__aenter__()
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async with turns.turn(OWNER):
        pass
