"""Return visits with a real branch process, its PBX and its database, killed while a customer is called."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from branch.people import passwords
from branch.people.login import Credential
from branch.telephony.simulated.wire import Play
from branch.terminal.client import DeskClient
from router.ids import CallId
from router.ledger import CallEnded, OutboundAnswered, OutboundEnded
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.visit import Visit
from sync.clock import SystemClock
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.records.tables import PersonRole
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.integration.test_branch_cluster import Cluster
from tests.integration.test_branch_outbound import until_idle

pytestmark = pytest.mark.timeout(180)

PASSWORD = "correct horse"
THERE, BUSY = "+861066660200", "+861066660486"
VISITS = """
[[outbound.line]]
name = "line-1"
[[outbound.route]]
prefix = "+8610"
site = "beijing"
line = "line-1"
[visits]
try_limit = 2
pause_s = 1
[[visits.hours]]
begin = "00:00"
end = "23:59:59.999999"
"""
PEOPLE = """ring_s = 0.2
[[people.agent]]
id = "beijing/1"
[[line]]
id = "line-1"
ring_s = 0.2
talk_s = 6
"""


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    await made.close()


async def served(cluster: Cluster, customer: str) -> tuple[BranchProcess, CallId]:
    """A site whose agent has served this customer, who is on the list of return visits now."""
    branch = await cluster.add("beijing", 1, people=PEOPLE)
    store = branch._store()
    secret = Credential(person_id="beijing/1", role=PersonRole.AGENT, secret_hash=passwords.hashed(PASSWORD))
    store.people.set_credential(secret)
    store.close()
    await cluster.start(more=VISITS)
    await branch.pbx.do(Play.CALL, queue="sales", handle_ms=500, customer=customer)
    (ended,) = entries(await cluster.until(has(CallEnded)), CallEnded)
    code, said = await branch.run("visit", "add", ended.call_id, "--site", str(branch.file))
    assert code == 0, said
    return branch, ended.call_id


def desk_of(branch: BranchProcess) -> DeskClient:
    tls = branch.tls()
    expected = Peer(cluster=tls.owner.cluster, kind="site", name="beijing")
    return DeskClient(open_channel("127.0.0.1", branch.port, tls, expected=expected))


async def dial(branch: BranchProcess, call_id: CallId) -> None:
    client = desk_of(branch)
    await client.log_in("1", PASSWORD)
    await until_idle(client)
    await client.dial_visit(call_id)
    await client.close()


def kept(branch: BranchProcess, call_id: CallId) -> Visit:
    store = branch._store()
    visit = store.return_visits.visit(call_id)
    store.close()
    assert visit is not None
    return visit


async def until_tried(branch: BranchProcess, call_id: CallId) -> Visit:
    """The visit, once the list knows how the call for it has ended."""
    async with asyncio.timeout(30):
        while (visit := kept(branch, call_id)).outbound_id is not None:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)
    return visit


async def test_a_customer_who_talks_while_the_branch_is_killed_was_reached(cluster: Cluster) -> None:
    branch, call_id = await served(cluster, THERE)
    await dial(branch, call_id)
    await cluster.until(has(OutboundAnswered))

    await branch.kill()
    at_the_kill = kept(branch, call_id)
    await branch.start()
    rows = await cluster.until(has(OutboundEnded))
    visit = await until_tried(branch, call_id)

    (ended,) = entries(rows, OutboundEnded)
    assert (at_the_kill.outbound_id, at_the_kill.outcome) == (ended.call_id, None)
    assert (visit.outcome, visit.last_outcome) == (VisitOutcome.REACHED, OutboundOutcome.ANSWERED)
    assert visit.last_outbound_id == ended.call_id
    assert not any("66660200" in repr(row.entry) for row in rows if row.entry.kind.startswith("OUT"))
    assert broken_laws(cluster.rows()) == {}


async def test_a_busy_customer_is_called_until_the_limit_of_tries(cluster: Cluster) -> None:
    branch, call_id = await served(cluster, BUSY)
    tries = []
    for count in (1, 2):
        async with asyncio.timeout(30):
            while (kept(branch, call_id).tried_utc_us or 0) + 1_000_000 > utc_us():  # noqa: ASYNC110 - its pause
                await asyncio.sleep(0.1)
        await dial(branch, call_id)
        await cluster.until(has(OutboundEnded, count))
        tries.append(await until_tried(branch, call_id))

    assert [(each.try_count, each.last_outcome) for each in tries] == [
        (1, OutboundOutcome.BUSY),
        (2, OutboundOutcome.BUSY),
    ]
    assert [each.outcome for each in tries] == [None, VisitOutcome.NOT_REACHED]
    assert "66660486" not in branch.log()
    assert broken_laws(cluster.rows()) == {}


def utc_us() -> int:
    return SystemClock().utc_us()
