"""Callbacks and calls that go out, with real branch processes, PBXes and databases, killed on the way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from branch.people import passwords
from branch.people.login import Credential
from branch.telephony.simulated.wire import Play
from branch.terminal.client import DeskClient
from router.call import Disposition
from router.callback.outcome import CallbackOutcome
from router.ledger import (
    CallbackDone,
    CallbackRequested,
    CallbackTried,
    CallEnded,
    LineLent,
    LineReturned,
    OutboundAnswered,
    OutboundEnded,
)
from router.outbound.outcome import OutboundOutcome
from router.world.laws.ledgers import check_ledgers
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.records.tables import PersonRole
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import entries, has
from tests.integration.test_branch_cluster import Cluster

pytestmark = pytest.mark.timeout(180)

CUSTOMER = "+861066660200"
PASSWORD = "correct horse"
ALWAYS = '[[callback.hours]]\nbegin = "00:00"\nend = "23:59:59.999999"\n'
CALLS_BACK = f"""
wait_limit_ms = 300
last_resort = "callback"
[[outbound.line]]
name = "line-1"
[[outbound.route]]
prefix = "+8610"
site = "beijing"
line = "line-1"
{ALWAYS}"""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    await made.close()


async def with_line(cluster: Cluster, site: str, *, from_s: float, talk_s: float) -> BranchProcess:
    """A site with one agent, who comes at `from_s`, and a line whose people talk for `talk_s`."""
    people = f"""ring_s = 0.2
[[people.agent]]
id = "{site}/1"
from_s = {from_s}
[[line]]
id = "line-1"
ring_s = 0.2
talk_s = {talk_s}
"""
    return await cluster.add(site, 1, people=people)


async def caller(branch: BranchProcess) -> None:
    await branch.pbx.do(Play.CALL, queue="sales", handle_ms=1_000, customer=CUSTOMER)


def assert_lawful(cluster: Cluster) -> None:
    broken = [law for law in check_ledgers(cluster.rows()) if law.violation_count]
    assert broken == []


async def test_a_callback_asked_for_before_a_kill_is_made_after_it(cluster: Cluster) -> None:
    branch = await with_line(cluster, "beijing", from_s=6, talk_s=0.5)
    await cluster.start(more=CALLS_BACK)
    await caller(branch)
    await cluster.until(has(CallbackRequested))

    await branch.kill()
    await branch.start()
    rows = await cluster.until(has(CallbackDone))

    assert [each.disposition for each in entries(rows, CallEnded)] == [Disposition.CALLBACK]
    assert [each.outcome for each in entries(rows, CallbackTried)] == [OutboundOutcome.ANSWERED]
    assert [each.outcome for each in entries(rows, CallbackDone)] == [CallbackOutcome.REACHED]
    assert not any("66660200" in repr(row.entry) for row in rows if row.entry.kind.startswith("OUT"))
    assert_lawful(cluster)


async def test_a_talk_with_a_called_back_customer_outlives_a_kill(cluster: Cluster) -> None:
    branch = await with_line(cluster, "beijing", from_s=0, talk_s=6)
    await cluster.start(more=CALLS_BACK.replace("wait_limit_ms = 300", "wait_limit_ms = 1"))
    await branch.pbx.do(Play.SET_PHONE, agent="beijing/1", is_registered=False)
    await caller(branch)
    await cluster.until(has(CallbackRequested))
    await branch.pbx.do(Play.SET_PHONE, agent="beijing/1", is_registered=True)
    await cluster.until(has(OutboundAnswered))

    await branch.kill()
    await branch.start()
    rows = await cluster.until(has(CallbackDone))

    (ended,) = entries(rows, OutboundEnded)[-1:]
    assert ended.outcome is OutboundOutcome.ANSWERED
    assert ended.talk_ms > 4_000
    assert [each.outcome for each in entries(rows, CallbackDone)] == [CallbackOutcome.REACHED]
    assert_lawful(cluster)


async def test_an_agent_dials_out_of_another_sites_line(cluster: Cluster) -> None:
    branch = await with_line(cluster, "beijing", from_s=0, talk_s=60)
    await with_line(cluster, "urumqi", from_s=600, talk_s=0.5)
    store = branch._store()
    secret = Credential(person_id="beijing/1", role=PersonRole.AGENT, secret_hash=passwords.hashed(PASSWORD))
    store.people.set_credential(secret)
    store.close()
    await cluster.start(
        more="""
[[outbound.line]]
name = "line-1"
[[outbound.route]]
prefix = "+86991"
site = "urumqi"
line = "line-1"
guests = ["beijing"]
"""
    )
    tls = branch.tls()
    expected = Peer(cluster=tls.owner.cluster, kind="site", name="beijing")
    client = DeskClient(open_channel("127.0.0.1", branch.port, tls, expected=expected))
    await client.log_in("1", PASSWORD)
    await until_idle(client)

    await client.dial("+869916660200")
    rows = await cluster.until(lambda rows: has(OutboundEnded)(rows) and has(LineReturned)(rows))
    await client.close()

    (ended,), (lent,), (returned,) = (
        entries(rows, OutboundEnded),
        entries(rows, LineLent),
        entries(rows, LineReturned),
    )
    assert (ended.outcome, ended.via) == (OutboundOutcome.ANSWERED, "urumqi")
    assert (lent.call_id, lent.peer, returned.outcome) == (
        ended.call_id,
        "beijing",
        OutboundOutcome.ANSWERED,
    )
    assert not any("6660200" in repr(row.entry) for row in rows)
    assert_lawful(cluster)


async def until_idle(client: DeskClient) -> None:
    """The agent's phone has logged it in and made it ready."""
    async with asyncio.timeout(20):
        async for update in client.watch_desk(None, is_glance=True):
            if any(each.state == "READY" for each in update.agents):
                return
