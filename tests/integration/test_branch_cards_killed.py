"""A caller's card at a helper whose process was killed in the talk: its origin is asked for it."""

import asyncio
from contextlib import aclosing

import pytest

from branch.customers.caller_card import CallerCard
from branch.terminal.client import DeskClient
from branch.terminal.seen import SiteSeen
from router.agent import AgentState
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws
from tests.integration.test_branch_cluster import Cluster
from tests.integration.test_branch_notes_helped import (
    LI,
    NUMBER,
    TEXT,
    called,
    cluster,
    desk_of,
    end_call,
    sites,
    until_agent,
)

__all__ = ["cluster", "sites"]

pytestmark = pytest.mark.timeout(180)


async def card_in_hand(client: DeskClient) -> CallerCard:
    """Of the call that the agent has, once it is there."""
    seen = SiteSeen()
    async with asyncio.timeout(30), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            call = seen.call_in_hand(LI)
            if call is not None and call.caller is not None:
                return call.caller
    raise AssertionError("the watch ended")


async def test_a_helper_that_was_killed_shows_again_who_calls(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    client = await desk_of(urumqi)
    call_id, card = await called(beijing, client)
    await until_agent(client, AgentState.TALKING)
    await client.write_note(call_id, TEXT)
    await client.close()

    await urumqi.kill()
    await urumqi.start()
    client = await desk_of(urumqi)
    again = await card_in_hand(client)

    assert (again.number, again.name, again.language) == (NUMBER, card.name, card.language)
    assert [each.text for each in again.notes] == [TEXT], "as the origin knows it by now"
    await end_call(client)
    await client.close()
    assert broken_laws(cluster.rows()) == {}


async def test_where_both_were_killed_the_card_comes_once_the_origin_is_back(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    client = await desk_of(urumqi)
    _call_id, card = await called(beijing, client)
    await until_agent(client, AgentState.TALKING)
    await client.close()

    await asyncio.gather(beijing.kill(), urumqi.kill())
    await urumqi.start()
    await beijing.start()
    client = await desk_of(urumqi)

    assert await card_in_hand(client) == card
    await end_call(client)
    await client.close()
    assert NUMBER.removeprefix("+86") not in beijing.log() + urumqi.log()
