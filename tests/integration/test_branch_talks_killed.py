"""A real branch is killed in a consultation and in a conference: nobody who talks notices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.people import passwords
from branch.people.login import Credential
from branch.store.store import open_store
from branch.telephony.driver.vocabulary import BridgeKind, Do
from branch.telephony.simulated.wire import Play
from branch.terminal.client import DeskClient
from branch.terminal.seen import CallInHand, SiteSeen
from node import pki
from router.agent import AgentState
from router.call import Disposition
from router.ids import AgentId, SiteId
from router.ledger import (
    CallConferenced,
    CallConnected,
    CallEnded,
    CallTransferred,
    ConsultationConnected,
    Entry,
    LedgerRow,
    RecordingEnded,
    RecordingStarted,
)
from router.views import RecordingState
from router.world.laws.ledgers import check_ledgers
from sync.clock import SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.records.business_day import BusinessCalendar
from sync.records.tables import PersonRole
from tests.fakes.branch_process import ZONE, BranchProcess
from tests.fakes.pbx_process import PbxProcess

SITE = SiteId("beijing")
PASSWORD = "correct horse"
LIMIT_S = 40.0

pytestmark = pytest.mark.timeout(120)


class Desks:
    """Agents 1 and 2 at their phones, which they answer by themselves; their desks are pressed by hand."""

    def __init__(self, branch: BranchProcess) -> None:
        self.branch = branch
        self._open: list[DeskClient] = []

    async def until_written(self, kind: type[Entry], count: int = 1) -> list[LedgerRow]:
        async with asyncio.timeout(LIMIT_S):
            while True:
                rows = self.branch.rows()
                if sum(isinstance(row.entry, kind) for row in rows) >= count:
                    return rows
                await asyncio.sleep(0.1)

    async def desk(self, agent_id: AgentId) -> DeskClient:
        tls = self.branch.tls()
        expected = Peer(cluster=tls.owner.cluster, kind="site", name=SITE)
        client = DeskClient(open_channel("127.0.0.1", self.branch.port, tls, expected=expected))
        self._open.append(client)
        await client.log_in(agent_id, PASSWORD)
        return client

    async def conversations(self) -> list[list[str]]:
        """Who hears whom, as the PBX has it."""
        bridges = await self.branch.pbx.do(Do.LIST_BRIDGES)
        mixing = [each for each in bridges if each["kind"] == BridgeKind.MIXING]
        return [sorted(each["channels"]) for each in mixing if len(each["channels"]) > 1]

    async def becomes(self, is_so: Callable[[list[list[str]]], bool]) -> list[list[str]]:
        async with asyncio.timeout(LIMIT_S):
            while not is_so(seen := await self.conversations()):  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.05)
        return seen

    async def close(self) -> None:
        for client in self._open:
            await client.close()


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Desks]:
    pki.init_ca(tmp_path / "pki", "demo", now=datetime.now(UTC))
    pki.issue(tmp_path / "pki", "site", SITE, [], now=datetime.now(UTC))
    people = "ring_s = 0.2\n" + "".join(f'[[people.agent]]\nid = "{SITE}/{n}"\n' for n in (1, 2))
    pbx = PbxProcess(tmp_path / "pbx", SITE, people=people)
    branch = BranchProcess(tmp_path / "branch", tmp_path / "pki", pbx)
    made = Desks(branch)
    try:
        await pbx.start()
        branch.add_agents(1, 2)
        add_passwords(branch)
        branch.write_file(more='recording = "on"')
        await branch.start()
        yield made
    finally:
        await made.close()
        await branch.close()
        await pbx.close()


def add_passwords(branch: BranchProcess) -> None:
    store = open_store(branch.url, site_id=SITE, calendar=BusinessCalendar(ZONE), clock=SystemClock())
    for number in (1, 2):
        store.people.set_credential(
            Credential(
                person_id=f"{SITE}/{number}",
                role=PersonRole.AGENT,
                secret_hash=passwords.hashed(PASSWORD),
            )
        )
    store.close()


async def seen_by(client: DeskClient, agent_id: AgentId) -> CallInHand:
    """The call that the agent has in hand."""
    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            call = seen.call_in_hand(agent_id)
            if call is not None and seen.agents[agent_id].state is not AgentState.RINGING:
                return call
    raise AssertionError("the watch ended")


async def consulting(desks: Desks) -> tuple[AgentId, AgentId, str]:
    """A caller's channel, the agent who has it, and the colleague who has answered beside the call."""
    caller = await desks.branch.pbx.call()
    rows = await desks.until_written(CallConnected)
    (agent_id,) = (row.entry.agent_id for row in rows if isinstance(row.entry, CallConnected))
    assert agent_id is not None
    colleague = next(each for n in (1, 2) if (each := AgentId(f"{SITE}/{n}")) != agent_id)
    client = await desks.desk(agent_id)
    await until_ready(client, colleague)
    await client.consult((await seen_by(client, agent_id)).leg_id, colleague)
    await desks.until_written(ConsultationConnected)
    await desks.becomes(lambda talks: len(talks) == 1 and caller not in talks[0])
    return agent_id, colleague, caller


async def until_ready(client: DeskClient, agent_id: AgentId) -> None:
    seen = SiteSeen()
    async with asyncio.timeout(LIMIT_S), aclosing(client.watch_desk(None, is_glance=True)) as updates:
        async for update in updates:
            seen.apply(update, 0)
            if agent_id in seen.agents and seen.agents[agent_id].state is AgentState.READY:
                return


def of(rows: list[LedgerRow], kind: type[Entry]) -> list[Entry]:
    return [row.entry for row in rows if isinstance(row.entry, kind)]


def broken_laws(rows: list[LedgerRow]) -> dict[str, object]:
    return {result.name: result.violations for result in check_ledgers(rows) if result.violations}


async def test_a_consultation_goes_on_over_a_kill_and_the_caller_is_handed_over_after_it(
    desks: Desks,
) -> None:
    agent_id, colleague, caller = await consulting(desks)
    before = await desks.conversations()

    await desks.branch.kill()
    await desks.branch.start()
    assert await desks.conversations() == before
    client = await desks.desk(agent_id)
    await client.complete_transfer((await seen_by(client, agent_id)).leg_id)
    rows = await desks.until_written(CallTransferred)
    await desks.becomes(lambda talks: len(talks) == 1 and caller in talks[0])
    await desks.branch.pbx.do(Play.GIVE_UP, channel=caller)
    rows = await desks.until_written(CallEnded)
    rows = await desks.until_written(RecordingEnded, 2)

    assert [getattr(entry, "to_agent", None) for entry in of(rows, CallTransferred)] == [colleague]
    assert [getattr(entry, "disposition", None) for entry in of(rows, CallEnded)] == [Disposition.ANSWERED]
    assert [getattr(entry, "agent_id", None) for entry in of(rows, RecordingStarted)] == [agent_id, colleague]
    assert broken_laws(rows) == {}


async def test_a_conference_goes_on_over_a_kill_until_the_agent_leaves_it(desks: Desks) -> None:
    agent_id, _colleague, caller = await consulting(desks)
    client = await desks.desk(agent_id)
    await client.merge((await seen_by(client, agent_id)).leg_id)
    await desks.until_written(CallConferenced)
    before = await desks.becomes(lambda talks: len(talks) == 1 and len(talks[0]) == 3)

    await desks.branch.kill()
    await desks.branch.start()
    assert await desks.conversations() == before
    client = await desks.desk(agent_id)
    call = await seen_by(client, agent_id)
    assert call.recording is RecordingState.RUNNING
    await client.hang_up(call.leg_id)

    talks = await desks.becomes(lambda talks: len(talks) == 1 and len(talks[0]) == 2)
    assert caller in talks[0]
    assert call.leg_id not in talks[0]
    await desks.branch.pbx.do(Play.GIVE_UP, channel=caller)
    assert broken_laws(await desks.until_written(CallEnded)) == {}
