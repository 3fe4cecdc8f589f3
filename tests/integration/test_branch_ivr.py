"""A flow on a real simulated PBX: from the INVITE through the menu to the right queue, also across a kill."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.ivr.reading import read_flow
from branch.store.customers import Customer
from branch.telephony.simulated.wire import Play
from node import pki
from router.acd.policy import QueuePolicy
from router.call import Disposition
from router.ids import CustomerId, QueueId, Skill
from router.ivr import IvrPlan
from router.kpi.calls import figures
from router.ledger import (
    CallEnded,
    CallQueued,
    CustomerIdentified,
    IvrChose,
    IvrEntered,
    IvrFlowChanged,
    LedgerRow,
)
from router.records.call import CallRecord
from router.records.fold import fold
from router.world.laws.ledgers import check_ledgers
from sync.clock import SystemClock
from sync.records.tables import CustomerClass
from tests.fakes.branch_process import BranchProcess
from tests.fakes.pbx_process import PbxProcess
from tests.fakes.running_site import RunningSite
from tests.fakes.tcp_link import TcpLink
from tests.fakes.telephony_steps import becomes

SALES, GENERAL = QueueId("sales"), QueueId("general")
FLOW = """
start = "opening"
default = "person"
[hours.day]
mon = ["08:00-20:00"]
tue = ["08:00-20:00"]
wed = ["08:00-20:00"]
[node.opening]
kind = "hours"
hours = "day"
open = "menu"
closed = "sorry"
[node.sorry]
kind = "message"
prompts = ["after_hours"]
to = "bye"
[node.bye]
kind = "hang_up"
[node.menu]
kind = "menu"
prompts = ["welcome", "main_menu"]
choices = { 1 = "sales", 2 = "member" }
otherwise = "person"
wait_ms = 500
tries = 2
[node.member]
kind = "customer_number"
prompts = ["enter_customer_number"]
found = "class"
not_found = "person"
[node.class]
kind = "customer_class"
classes = { VIP = "vip" }
otherwise = "person"
[node.vip]
kind = "queue"
queue = "general"
priority = 9
[node.sales]
kind = "queue"
queue = "sales"
[node.person]
kind = "queue"
queue = "general"
"""
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CLASSES = {"4711": "VIP", "c1": "STANDARD"}
LIMIT_S = 20.0


async def until(rows: list[LedgerRow], kind: type, count: int = 1) -> list[LedgerRow]:
    """Wait for so many rows of a kind."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = [row for row in rows if isinstance(row.entry, kind)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


@pytest.fixture
async def pbx(tmp_path: Path) -> AsyncIterator[PbxProcess]:
    agent = '[[people.agent]]\nid = "beijing/1001"\nperson = true'
    made = PbxProcess(tmp_path / "pbx", "beijing", people=f"prompt_s = 0.2\nvoicemail_s = 1\n{agent}")
    await made.start()
    yield made
    await made.close()


async def site(address: str, tmp_path: Path, at: datetime = NOON) -> RunningSite:
    file = tmp_path / "ivr.toml"
    file.write_text(FLOW, encoding="utf-8")
    running = RunningSite(
        "beijing",
        queue_id=GENERAL,
        clock=SystemClock(),
        speed=1.0,
        address=address,
        trunks={},
        more_queues=[QueuePolicy(queue_id=SALES, skills=frozenset({Skill("sales")}))],
        ivr=IvrPlan(flow=read_flow(file, [SALES, GENERAL]).flow, local_time=lambda _now: at),
        classes=CLASSES,
    )
    await running.start()
    return running


async def test_keys_lead_to_the_queue_that_they_name(pbx: PbxProcess, tmp_path: Path) -> None:
    beijing = await site(pbx.address, tmp_path)
    await pbx.call(keys=["1"])

    [row] = await until(beijing.rows, CallQueued)

    assert isinstance(row.entry, CallQueued)
    assert (row.entry.queue_id, row.entry.priority) == (SALES, 0)
    choices = [row.entry.choice for row in beijing.rows if isinstance(row.entry, IvrChose)]
    assert choices == ["OPEN", "1"]
    await beijing.close()


async def test_a_vip_by_its_number_is_served_before_who_came_earlier(pbx: PbxProcess, tmp_path: Path) -> None:
    beijing = await site(pbx.address, tmp_path)
    await pbx.call()
    await until(beijing.rows, CallQueued)
    await pbx.call(keys=["2", "4711#"])

    first, second = await until(beijing.rows, CallQueued, 2)

    assert isinstance(first.entry, CallQueued)
    assert isinstance(second.entry, CallQueued)
    assert (second.entry.customer_id, second.entry.priority) == ("4711", 9)
    assert beijing.desk.floor.position(second.entry.call_id) == 1
    assert beijing.desk.floor.position(first.entry.call_id) == 2
    assert "4711" not in repr([row.entry for row in beijing.rows if isinstance(row.entry, IvrChose)])
    await beijing.close()


async def test_a_closed_site_says_so_and_hangs_up(pbx: PbxProcess, tmp_path: Path) -> None:
    beijing = await site(pbx.address, tmp_path, at=NOON.replace(hour=22))
    await pbx.call()

    [row] = await until(beijing.rows, CallEnded)

    assert isinstance(row.entry, CallEnded)
    assert row.entry.disposition is Disposition.AFTER_HOURS
    ended = {"taken": True, "conversations": 0, "ending": "ended"}
    await becomes(lambda: was_seen(pbx, row, ended))
    await beijing.close()


async def was_seen(pbx: PbxProcess, row: LedgerRow, story: dict[str, object]) -> bool:
    assert isinstance(row.entry, CallEnded)
    seen: dict[str, object] = (await pbx.do(Play.COUNT))["calls"]
    return seen[row.entry.call_id] == story


async def test_who_hangs_up_in_the_menu_was_not_offered_and_every_law_holds(
    pbx: PbxProcess, tmp_path: Path
) -> None:
    beijing = await site(pbx.address, tmp_path)
    await pbx.call(patience_s=0.3)
    await pbx.call(keys=["1"], patience_s=2.0)

    await until(beijing.rows, CallEnded, 2)

    calls = [each for each in fold(beijing.rows).values() if isinstance(each, CallRecord)]
    assert sorted(str(each.disposition) for each in calls) == ["ABANDONED_IN_IVR", "ABANDONED_IN_QUEUE"]
    assert figures(calls).offered == 1
    assert {law.name: law.violations for law in check_ledgers(beijing.rows) if law.violations} == {}
    await beijing.close()


async def test_a_caller_whose_line_to_the_pbx_was_cut_in_a_prompt_goes_on(
    pbx: PbxProcess, tmp_path: Path
) -> None:
    """The end of the prompts is told to nobody; the caller is brought to a person all the same."""
    async with TcpLink(pbx.address) as link:
        beijing = await site(link.endpoint, tmp_path)
        await pbx.call()
        await until(beijing.rows, IvrEntered)
        link.cut()
        await asyncio.sleep(1.0)
        link.mend()

        [row] = await until(beijing.rows, CallQueued)
        await beijing.close()

    assert isinstance(row.entry, CallQueued)
    assert row.entry.queue_id == GENERAL


# --- a whole branch ----------------------------------------------------------------------------


@pytest.fixture
async def branch(pbx: PbxProcess, tmp_path: Path) -> AsyncIterator[BranchProcess]:
    certificates = tmp_path / "pki"
    pki.init_ca(certificates, "demo", now=datetime.now(UTC))
    pki.issue(certificates, "site", "beijing", [], now=datetime.now(UTC))
    made = BranchProcess(tmp_path / "branch", certificates, pbx)
    more = '[[queue]]\nid = "general"\n[ivr]\nflow = "ivr.toml"\n'
    made.write_file(more=more)
    write_flow(made, {'start = "opening"': 'start = "menu"'})
    yield made
    await made.close()


def write_flow(branch: BranchProcess, changes: Mapping[str, str]) -> None:
    """The flow as it is always open, since these processes go by the machine's clock."""
    text = FLOW[: FLOW.index("[hours.day]")] + FLOW[FLOW.index("[node.menu]") :]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (branch.folder / "ivr.toml").write_text(text, encoding="utf-8")


async def rows_of(branch: BranchProcess, kind: type, count: int = 1) -> list[LedgerRow]:
    async with asyncio.timeout(LIMIT_S):
        while True:
            found = [row for row in await asyncio.to_thread(branch.rows) if isinstance(row.entry, kind)]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


async def test_a_file_and_its_flow_are_checked_together(branch: BranchProcess) -> None:
    assert (await branch.command("check"))[0] == 0
    write_flow(branch, {'start = "opening"': 'start = "menu"', '1 = "sales"': '1 = "nobody"'})

    code, said = await branch.command("check")

    assert code == 2
    assert "ivr.toml: 2 faults" in said
    assert "node.menu.choices.1: there is no node 'nobody'" in said
    assert "node.sales: no caller can come here" in said


async def test_a_caller_in_the_flow_outlives_a_kill_and_hears_its_node_again(branch: BranchProcess) -> None:
    store = branch._store()
    store.customers.put(
        Customer(customer_id=CustomerId("4711"), name="VIP", customer_class=CustomerClass.VIP)
    )
    store.close()
    await branch.start()
    caller = await branch.pbx.call(keys=["2"])
    await rows_of(branch, IvrChose)

    await branch.kill()
    await branch.start()
    await branch.pbx.do(Play.PRESS, channel=caller, keys="4711#")
    [row] = await rows_of(branch, CallQueued)

    assert isinstance(row.entry, CallQueued)
    assert (row.entry.customer_id, row.entry.priority) == ("4711", 9)
    assert len(await rows_of(branch, CustomerIdentified)) == 1
    assert not [each for each in branch.rows() if isinstance(each.entry, CallEnded)]


async def test_a_changed_flow_is_taken_up_by_a_running_branch(branch: BranchProcess) -> None:
    await branch.start()
    write_flow(branch, {'start = "opening"': 'start = "nowhere"'})
    async with asyncio.timeout(LIMIT_S):
        while "ivr_flow_refused" not in branch.log():  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.1)
    write_flow(branch, {'start = "opening"': 'start = "sales"', 'default = "person"': 'default = "menu"'})
    await rows_of(branch, IvrFlowChanged)

    await branch.pbx.call()
    [row] = await rows_of(branch, CallQueued)

    assert isinstance(row.entry, CallQueued)
    assert row.entry.queue_id == SALES
