"""A site made by `trunkline init` joins a running cluster whose files never heard of it, and helps it."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from branch.admin.site_records import open_site
from branch.store.store import open_store
from deploy.etcd import EtcdCluster, start_etcd
from deploy.ports import free_ports
from node import pki
from router.ids import SiteId
from router.ledger import CallConnected, CallEnded, Entry, HandoffConfirmed, LedgerRow
from router.world.laws.ledgers import check_ledgers
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.codec import ledger_row
from sync.records.tables import LEDGER
from tests.fakes.branch_process import ZONE, BranchProcess
from tests.fakes.pbx_process import PbxProcess

LIMIT_S = 60.0
PORTS = 5
"""A new site's node, metrics, desks, PBX control and trunk, one after the other."""

_COMMAND = """
from branch.commands import register
from node import cli
cli.entry_point_groups = lambda: [register]
cli.main()
"""

pytestmark = pytest.mark.timeout(240)


class NewSite:
    """Lhasa, by commands only."""

    def __init__(self, folder: Path, secret: Path) -> None:
        self.folder = folder
        self.file = folder / "branch.toml"
        self.secret = secret
        self._stack = AsyncExitStack()

    async def run(self, *arguments: object) -> str:
        """A command that has to work; returns what it said."""
        process = await self._started(*arguments)
        async with asyncio.timeout(LIMIT_S):
            said, _none = await process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    async def keep(self, *arguments: object) -> None:
        """A command that runs until the test is over."""
        process = await self._started(*arguments)

        async def end() -> None:
            if process.returncode is None:
                process.kill()
            await process.communicate()

        self._stack.push_async_callback(end)

    async def desk(self, *arguments: object) -> str:
        """A command of the agent's desk."""
        who = ("--site", self.file, "--name", "1001", "--password-file", self.secret)
        return await self.run("desk", *who, "--token-file", self.folder / "token", *arguments)

    def rows(self) -> list[LedgerRow]:
        store = open_store(
            f"sqlite:///{self.folder / 'branch.db'}",
            site_id=SiteId("lhasa"),
            calendar=BusinessCalendar(ZONE),
            clock=SystemClock(),
        )
        with store.database.reading() as connection:
            rows = [ledger_row(each) for each in connection.execute(LEDGER.select()).mappings()]
        store.close()
        return rows

    async def close(self) -> None:
        await self._stack.aclose()

    async def _started(self, *arguments: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _COMMAND, *map(str, arguments)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )


def first_of_free_ports() -> int:
    """The first of some ports in a row that nobody has."""
    while True:
        ports = free_ports(PORTS)
        if ports == list(range(ports[0], ports[0] + PORTS)):
            return ports[0]


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    running = start_etcd(tmp_path / "etcd")
    yield running
    running.kill()


@pytest.fixture
async def beijing(tmp_path: Path, etcd: EtcdCluster) -> AsyncIterator[BranchProcess]:
    """A branch that was there before, with callers and no agents; its file names no peer."""
    pki.init_ca(tmp_path / "pki", "demo", now=datetime.now(UTC))
    pki.issue(tmp_path / "pki", "site", "beijing", [], now=datetime.now(UTC))
    pbx = await PbxProcess(tmp_path / "beijing-pbx", "beijing").start()
    branch = BranchProcess(tmp_path / "beijing", tmp_path / "pki", pbx)
    reach = f'[overflow]\naddress = "127.0.0.1:{branch.port}"\ntrunk = "{pbx.trunk_address}"\n'
    branch.write_file(etcd=etcd.endpoints, more=reach)
    try:
        yield await branch.start()
    finally:
        await branch.close()
        await pbx.close()


@pytest.fixture
async def lhasa(tmp_path: Path) -> AsyncIterator[NewSite]:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n", encoding="utf-8")
    site = NewSite(tmp_path / "拉萨", secret)
    yield site
    await site.close()


async def until_connected(branch: BranchProcess, site: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            status = await branch.status()
            if status is not None and status.peers.get(SiteId(site)):
                return
            await asyncio.sleep(0.1)


async def until_written(rows: Callable[[], Iterable[LedgerRow]], kind: type[Entry]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not any(isinstance(row.entry, kind) for row in rows()):  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.1)


async def test_a_new_site_joins_by_init_and_answers_a_call_of_a_site_that_never_heard_of_it(
    tmp_path: Path, beijing: BranchProcess, lhasa: NewSite
) -> None:
    await lhasa.run("customer", "add", "c1", "--name", "王小明", "--class", "vip", "--site", beijing.file)
    made = await lhasa.run(
        "init", lhasa.folder, "--site", "lhasa", "--address", f"127.0.0.1:{first_of_free_ports()}",
        "--ca", tmp_path / "pki", "--cluster", "demo", "--like", beijing.file, "--phone", "1001",
        "--password-file", lhasa.secret,
    )  # fmt: skip
    await lhasa.run("branch", "check", lhasa.file)
    await lhasa.run("agent", "add", "1001", "--site", lhasa.file, "--password-file", lhasa.secret)
    await lhasa.keep("simpbx", "run", lhasa.folder / "pbx.toml")
    await lhasa.keep("branch", "run", lhasa.file)
    await until_connected(beijing, "lhasa")

    await lhasa.desk("ready")
    await beijing.pbx.call(handle_s=3600)
    await lhasa.desk("answer", "--wait", "20")
    await until_written(lhasa.rows, HandoffConfirmed)
    in_hand = json.loads(await lhasa.desk("status"))["call"]
    await lhasa.desk("hang-up")
    await until_written(beijing.rows, CallEnded)

    assert "trunkline hq site add" in made
    [connected] = [row.entry for row in beijing.rows() if isinstance(row.entry, CallConnected)]
    assert connected.served_by == "lhasa"
    assert (in_hand["from_site"], in_hand["caller"]["name"]) == ("beijing", "王小明")
    broken = {result.name: result.violations for result in check_ledgers([*beijing.rows(), *lhasa.rows()])}
    assert not any(broken.values()), broken


async def test_a_queue_is_changed_under_a_running_branch_at_once(
    beijing: BranchProcess, lhasa: NewSite
) -> None:
    said = await lhasa.run("queue", "set", "sales", "ring_limit_ms=7000", "--site", beijing.file)

    assert "version 2, in force now" in said
    status = await beijing.status()
    assert status is not None
    assert {version for version, _load in status.queues.values()} == {2}
    async with asyncio.timeout(LIMIT_S):
        while True:
            with open_site(beijing.file) as records:
                (applied,) = records.queues.in_force()
            if applied.policy.version == 2:
                break
            await asyncio.sleep(0.1)
    assert applied.policy.ring_limit_ms == 7_000
