"""A note's whole way with real branches: from a helper's agent home, and back before its phone rings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from branch.customers.caller_card import CallerCard
from branch.customers.contact_note import KeptNote
from branch.people import passwords
from branch.people.login import Credential
from branch.store.customers import Customer
from branch.telephony.simulated.wire import Play
from branch.terminal.client import DeskClient
from branch.terminal.seen import SiteSeen
from router.agent import AgentState
from router.ids import AgentId, CallId, CustomerId
from router.ledger import CallEnded
from router.overflow.messages import HandoffState
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.link.refusals import RefusedError
from sync.records.tables import PersonRole
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.integration.test_branch_cluster import Cluster, agents_ready

pytestmark = pytest.mark.timeout(180)

PASSWORD = "correct horse"
NUMBER = "+8613800138000"
LI = AgentId("urumqi/1")
TEXT = "上次要的发票还没有收到"
HELPERS = 'ring_s = 1.0\n[[people.agent]]\nid = "urumqi/1"\n'
NO_WRAP_UP = "wrap_up_limit_ms = 0\n"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def sites(cluster: Cluster) -> tuple[BranchProcess, BranchProcess]:
    """Beijing knows the customer and has nobody at work; Urumqi has an agent."""
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1, people=HELPERS)
    store = beijing._store()
    store.customers.put(Customer(customer_id=CustomerId("acme"), name="王小明", numbers=(NUMBER,)))
    store.close()
    store = urumqi._store()
    store.people.set_credential(
        Credential(person_id=LI, role=PersonRole.AGENT, secret_hash=passwords.hashed(PASSWORD))
    )
    store.close()
    await cluster.start(more=NO_WRAP_UP)
    await agents_ready(urumqi, 1)
    return beijing, urumqi


async def desk_of(branch: BranchProcess) -> DeskClient:
    tls = branch.tls()
    expected = Peer(cluster=tls.owner.cluster, kind="site", name=branch.site)
    client = DeskClient(open_channel("127.0.0.1", branch.port, tls, expected=expected))
    await client.log_in("1", PASSWORD)
    return client


async def card_before_the_answer(client: DeskClient) -> tuple[CallId | None, CallerCard | None]:
    """The next caller's card as the agent is shown it before it has answered."""
    seen = SiteSeen()
    async with asyncio.timeout(30), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            early = [
                each
                for each in seen.handoffs.values()
                if each.state in (HandoffState.RESERVED, HandoffState.RINGING) and each.call_id is not None
            ]
            if early:
                return early[0].call_id, early[0].caller
    raise AssertionError("the watch ended")


async def called(branch: BranchProcess, client: DeskClient) -> tuple[CallId, CallerCard]:
    """The customer calls, and is to talk for long."""
    watching = asyncio.create_task(card_before_the_answer(client))
    await branch.pbx.do(Play.CALL, queue="sales", handle_ms=3_600_000, customer=NUMBER)
    call_id, card = await watching
    assert call_id is not None
    assert card is not None
    return call_id, card


async def until_agent(client: DeskClient, state: AgentState) -> None:
    seen = SiteSeen()
    async with asyncio.timeout(30), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if LI in seen.agents and seen.agents[LI].state is state:
                return


async def end_call(client: DeskClient) -> None:
    seen = SiteSeen()
    async with asyncio.timeout(30), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            call = seen.call_in_hand(LI)
            if call is not None:
                await client.hang_up(call.leg_id)
                break
    await until_agent(client, AgentState.READY)


def notes_at(branch: BranchProcess) -> list[KeptNote]:
    store = branch._store()
    found = store.contact_notes.newest(100)
    store.close()
    return found


async def test_a_helpers_note_goes_home_and_comes_back_with_the_customer(
    cluster: Cluster, sites: tuple[BranchProcess, BranchProcess]
) -> None:
    beijing, urumqi = sites
    client = await desk_of(urumqi)
    first, card = await called(beijing, client)
    assert (card.number, card.name, card.notes) == (NUMBER, "王小明", ())
    await until_agent(client, AgentState.TALKING)

    await client.write_note(first, TEXT)
    [kept] = notes_at(beijing)
    assert (kept.call_id, kept.customer_id, kept.note.author) == (first, "acme", LI)
    assert notes_at(urumqi) == [], "another site's customer stays there"
    await end_call(client)
    await client.write_note(first, "and afterwards")

    second, card = await called(beijing, client)
    assert [each.text for each in card.notes] == ["and afterwards", TEXT]
    await until_agent(client, AgentState.TALKING)
    await end_call(client)

    await beijing.kill()
    with pytest.raises(RefusedError) as away:
        await client.write_note(second, "nobody is there")
    assert (away.value.reason, away.value.values["site_id"]) == ("ORIGIN_AWAY", "beijing")
    await beijing.start()
    await cluster.until_connected(beijing)
    _third, card = await called(beijing, client)
    assert [each.text for each in card.notes] == ["and afterwards", TEXT], "read at the start"
    await until_agent(client, AgentState.TALKING)
    await end_call(client)

    code, said = await beijing.run("customer", "remove", "acme", "--site", str(beijing.file))
    assert code == 0, said
    assert notes_at(beijing) == []
    rows = await cluster.until(has(CallEnded, 3))
    await client.close()
    assert len(entries(rows, CallEnded)) == 3
    assert broken_laws(rows) == {}
    told = beijing.log() + urumqi.log() + "".join(map(repr, rows))
    assert TEXT not in told
    assert "13800138000" not in told
