"""Real branch processes with real PBXes, databases and certificates, and a real etcd: calls over sites."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.telephony.simulated.wire import Play
from deploy.etcd import EtcdCluster, start_etcd
from node import pki
from router.call import Disposition
from router.ledger import (
    CallConnected,
    CallEnded,
    CallQueued,
    HandoffConfirmed,
    HandoffEnded,
    LedgerRow,
    NodeDrained,
    NodeStarted,
)
from tests.fakes.branch_process import BranchProcess
from tests.fakes.ledger_reading import broken_laws, entries, has
from tests.fakes.pbx_process import PbxProcess

LIMIT_S = 60.0
SITES = ("beijing", "urumqi")

pytestmark = pytest.mark.timeout(180)


class Cluster:
    """Branches side by side, each with its PBX."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pki = folder / "pki"
        self.branches: dict[str, BranchProcess] = {}
        self._stack = AsyncExitStack()
        pki.init_ca(self.pki, "demo", now=datetime.now(UTC))

    async def add(self, site: str, *agents: int, people: str | None = None) -> BranchProcess:
        """A site with its PBX running and its agents set up; its branch is not started.

        `people` are its PBX's settings from [people] on, where the agents' own will not do.
        """
        pki.issue(self.pki, "site", site, [], now=datetime.now(UTC))
        people = people or "ring_s = 0.2\n" + "".join(
            f'[[people.agent]]\nid = "{site}/{n}"\n' for n in agents
        )
        pbx = PbxProcess(self.folder / f"{site}-pbx", site, people=people)
        self._stack.push_async_callback(pbx.close)
        await pbx.start()
        branch = BranchProcess(self.folder / site, self.pki, pbx)
        self._stack.push_async_callback(branch.close)
        branch.add_agents(*agents)
        self.branches[site] = branch
        return branch

    async def start(self, *, etcd: EtcdCluster | None = None, more: str = "") -> None:
        """Start every branch, each the others' peer, and wait until they know each other."""
        for branch in self.branches.values():
            neighbours = [each.neighbour for each in self.branches.values() if each is not branch]
            branch.write_file(neighbours, etcd=etcd.endpoints if etcd else (), more=more)
        await asyncio.gather(*(branch.start() for branch in self.branches.values()))
        for branch in self.branches.values():
            await self.until_connected(branch)

    async def until_connected(self, branch: BranchProcess) -> None:
        async with asyncio.timeout(LIMIT_S):
            while True:
                status = await branch.status()
                if status is not None and all(status.peers.values()):
                    return
                await asyncio.sleep(0.05)

    def rows(self) -> list[LedgerRow]:
        return [row for branch in self.branches.values() for row in branch.rows()]

    async def until(self, is_so: Callable[[list[LedgerRow]], bool]) -> list[LedgerRow]:
        """The rows of all sites once `is_so`."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not is_so(rows := self.rows()):  # noqa: ASYNC110 - other processes' databases
                    await asyncio.sleep(0.1)
        except TimeoutError:
            kinds = [(row.site_id, row.entry.kind) for row in self.rows()]
            logs = {site: branch.log()[-3000:] for site, branch in self.branches.items()}
            raise AssertionError(f"never so; rows: {kinds}; logs: {logs}") from None
        return rows

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    running = start_etcd(tmp_path / "etcd")
    yield running
    running.kill()


async def agents_ready(branch: BranchProcess, count: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            status = await branch.status()
            if status is not None and status.agents.get("READY", 0) == count:
                return
            await asyncio.sleep(0.05)


async def test_a_caller_where_nobody_works_is_answered_by_another_site(
    cluster: Cluster, etcd: EtcdCluster
) -> None:
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    await cluster.start(etcd=etcd)
    await agents_ready(urumqi, 1)

    await beijing.pbx.call(handle_s=0.5)
    rows = await cluster.until(lambda rows: has(CallEnded)(rows) and has(HandoffEnded, 2)(rows))

    [connected] = entries(rows, CallConnected)
    [ended] = entries(rows, CallEnded)
    assert connected.served_by == "urumqi"
    assert ended.disposition is Disposition.ANSWERED
    assert len(entries(rows, HandoffConfirmed)) == 1
    assert broken_laws(rows) == {}


async def test_without_a_load_board_sites_ask_each_other(cluster: Cluster) -> None:
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    await cluster.start(etcd=None)
    await agents_ready(urumqi, 1)

    await beijing.pbx.call(handle_s=0.5)
    rows = await cluster.until(lambda rows: has(CallEnded)(rows) and has(HandoffEnded, 2)(rows))

    [connected] = entries(rows, CallConnected)
    assert connected.served_by == "urumqi"
    assert broken_laws(rows) == {}


async def test_etcd_that_is_gone_for_good_stops_neither_own_callers_nor_overflow(
    cluster: Cluster, etcd: EtcdCluster
) -> None:
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    # The view is taken for out after 15 s; nobody has to wait so long to see what then happens.
    view = "[overflow]\nview_stale_ms = 300\nview_unscored_ms = 500\nview_out_ms = 1000\n"
    await cluster.start(etcd=etcd, more=view)
    await agents_ready(urumqi, 1)
    etcd.kill()

    await beijing.pbx.call(handle_s=0.2)
    await urumqi.pbx.call(handle_s=0.2)
    rows = await cluster.until(lambda rows: has(CallEnded, 2)(rows) and has(HandoffEnded, 2)(rows))

    assert {entry.served_by for entry in entries(rows, CallConnected)} == {"urumqi"}
    assert broken_laws(rows) == {}


async def test_a_killed_branch_takes_its_calls_up_again(cluster: Cluster) -> None:
    beijing = await cluster.add("beijing", 1)
    await cluster.start()
    await agents_ready(beijing, 1)
    talking = await beijing.pbx.call(handle_s=3600)
    await cluster.until(has(CallConnected))
    waiting = await beijing.pbx.call(handle_s=0.2)
    await cluster.until(has(CallQueued, 2))

    await beijing.kill()
    await beijing.start()
    status = await beijing.status()
    assert status is not None
    assert status.calls == {"CONNECTED": 1, "QUEUED": 1}
    assert status.agents == {"TALKING": 1}
    await beijing.pbx.do(Play.GIVE_UP, channel=talking)
    rows = await cluster.until(has(CallEnded, 2))

    starts = [entry.readopted_call_count for entry in entries(rows, NodeStarted)]
    assert starts == [0, 2]
    assert {entry.disposition for entry in entries(rows, CallEnded)} == {Disposition.ANSWERED}
    assert broken_laws(rows) == {}
    assert waiting != talking


async def test_a_killed_branch_keeps_the_call_that_another_site_serves(cluster: Cluster) -> None:
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    await cluster.start()
    await agents_ready(urumqi, 1)
    caller = await beijing.pbx.call(handle_s=3600)
    await cluster.until(has(HandoffConfirmed))

    await beijing.kill()
    await urumqi.kill()
    await asyncio.gather(beijing.start(), urumqi.start())
    origin, helper = await beijing.status(), await urumqi.status()
    assert origin is not None
    assert helper is not None
    assert origin.calls == {"CONNECTED_REMOTE": 1}
    assert helper.agents == {"TALKING": 1}
    await beijing.pbx.do(Play.GIVE_UP, channel=caller)
    rows = await cluster.until(lambda rows: has(CallEnded)(rows) and has(HandoffEnded, 2)(rows))

    [ended] = entries(rows, CallEnded)
    assert ended.disposition is Disposition.ANSWERED
    assert broken_laws(rows) == {}


async def test_a_branch_that_is_stopped_finishes_its_calls_and_takes_no_new_ones(cluster: Cluster) -> None:
    beijing = await cluster.add("beijing", 1)
    await cluster.start()
    await agents_ready(beijing, 1)
    talking = await beijing.pbx.call(handle_s=3600)
    await cluster.until(has(CallConnected))

    beijing.terminate()
    await cluster.until(has(NodeDrained))
    await beijing.pbx.call(handle_s=0.2)
    async with asyncio.timeout(LIMIT_S):
        while (await beijing.pbx.do(Play.COUNT))["in_system"] > 1:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    assert len(entries(cluster.rows(), CallQueued)) == 1
    await beijing.pbx.do(Play.GIVE_UP, channel=talking)

    assert await beijing.ended() == 0
    rows = cluster.rows()
    assert has(CallEnded)(rows)
    assert broken_laws(rows) == {}


async def test_a_running_branch_is_asked_and_drained_at_the_command_line(cluster: Cluster) -> None:
    beijing = await cluster.add("beijing", 1)
    await cluster.start()

    checked, said = await beijing.command("check")
    shown, table = await beijing.command("status")
    as_json, tree = await beijing.command("status", "--json")
    drained, answer = await beijing.command("drain")

    assert (checked, shown, as_json, drained) == (0, 0, 0, 0), (said, table, tree, answer)
    assert "sales" in table
    assert json.loads(tree)["identity"]["site_id"] == "beijing"
    assert "0 calls" in answer
    status = await beijing.status()
    assert status is not None
    assert not status.is_accepting


async def test_a_branch_with_another_sites_certificate_does_not_start(cluster: Cluster) -> None:
    beijing = await cluster.add("beijing")
    pki.issue(cluster.pki, "site", "urumqi", [], now=datetime.now(UTC))
    beijing.write_file()
    text = beijing.file.read_text(encoding="utf-8").replace("site-beijing", "site-urumqi")
    beijing.file.write_text(text, encoding="utf-8")

    checked, said = await beijing.command("check")
    ran, complaint = await beijing.command("run")

    assert (checked, ran) == (2, 2)
    assert "site/urumqi" in said
    assert "site/urumqi" in complaint


async def metrics_of(branch: BranchProcess) -> dict[str, float]:
    def read() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{branch.metrics_port}/metrics", timeout=5) as page:
            text: str = page.read().decode()
            return text

    lines = (await asyncio.to_thread(read)).splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


async def test_a_scraper_sees_calls_agents_waits_handoffs_commits_and_the_board(
    cluster: Cluster, etcd: EtcdCluster
) -> None:
    beijing, urumqi = await cluster.add("beijing"), await cluster.add("urumqi", 1)
    await cluster.start(etcd=etcd)
    await agents_ready(urumqi, 1)
    await beijing.pbx.call(handle_s=3600)
    await cluster.until(has(HandoffConfirmed))

    origin, helper = await metrics_of(beijing), await metrics_of(urumqi)

    assert origin['trunkline_calls{state="CONNECTED_REMOTE"}'] == 1
    assert helper['trunkline_agents{state="TALKING"}'] == 1
    assert origin['trunkline_answered_wait_seconds_bucket{le="20.0",queue="sales"}'] == 1
    assert origin['trunkline_handoffs_total{outcome="CONNECTED",reason="",role="ORIGIN"}'] == 1
    assert helper['trunkline_handoffs_total{outcome="CONFIRMED",reason="",role="HELPER"}'] == 1
    assert origin["trunkline_commit_duration_seconds_count"] > 0
    assert origin["trunkline_outbox_orders"] == 0
    assert 0 <= origin["trunkline_view_age_seconds"] < 3
