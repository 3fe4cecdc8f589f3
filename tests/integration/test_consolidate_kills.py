"""kill -9 of HQ and of a branch in the middle of a pull: the next one goes on, and nothing is there twice."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

import pytest
from sqlalchemy import create_engine, func, select, text

from deploy.ports import free_ports
from hq.serving.client import HqClient, Plain, connect
from hq.store.tables import RECEIVED
from sync.clock import ManualClock
from sync.link.refusals import RefusedError
from tests.consolidations import BranchNode, Keys, hq_file, serving
from tests.journals import DAY, Branch, ledger_rows, open_branch

ROW_COUNT = 9_000
BATCH_ROWS = 100
"""Ninety batches: every kill falls into one."""

RUN_HQ = ("-c", "from node.cli import main; main()", "hq", "run")

KILLS_AFTER_ROWS = (1, 500, 1_500)
"""Each counted from where the pull before was cut off."""


DAMAGED_AND_KILLED = (
    ("opened", 1),
    ("taken", 1),
    ("opened", 2),
    ("refused", 1),
    ("nacked", 1),
    ("taken", 2),
    ("acked", 2),
)
"""A damaged batch is opened while the one before it is committed, and one is opened behind it before it
is refused: where HQ dies meanwhile, each time a little further."""


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "pki")


@pytest.fixture(params=["sqlite", "postgres"])
def hq_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hq.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    branch = open_branch(f"sqlite:///{tmp_path / 'branch.db'}")
    branch.write("ledger", ledger_rows(1, ROW_COUNT))
    yield branch
    branch.engine.dispose()


@contextmanager
def process(*arguments: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, killed in the end."""
    with log.open("ab") as errors:
        child = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stderr=errors)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


@asynccontextmanager
async def operator(keys: Keys, port: int) -> AsyncIterator[HqClient]:
    """A client of an HQ that serves."""
    async with connect("127.0.0.1", port, keys.tls("operator", "li")) as client:
        for _ in range(600):
            trouble = await asked(client)
            if trouble is None:
                break
            assert trouble.reason == "LINK_DOWN", trouble
            await asyncio.sleep(0.05)
        yield client


async def asked(client: HqClient) -> RefusedError | None:
    try:
        await client.sites()
    except RefusedError as error:
        return error
    return None


async def pulled_until(client: HqClient, row_count: int) -> Plain:
    """Pull, and return as soon as so many rows are there, or when it is over."""
    shown: list[Plain] = []
    async with aclosing(client.consolidate([], includes_today=False)) as stages:
        async for shown in stages:
            if shown and shown[0]["row_count"] >= row_count:
                break
    return shown[0]


async def test_hq_killed_in_the_middle_goes_on_and_holds_every_row_once(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    (port,) = free_ports(1)
    async with serving(keys, branch) as nodes:
        file = ported(hq_file(tmp_path, keys, hq_url, nodes, batch_rows=BATCH_ROWS), port)
        for row_count in KILLS_AFTER_ROWS:
            with process(*RUN_HQ, str(file), log=tmp_path / "hq.log") as hq:
                async with operator(keys, port) as client:
                    progress = await pulled_until(client, row_count)
                hq.kill()
            assert progress["phase"] == "PULLING", progress
        with process(*RUN_HQ, str(file), log=tmp_path / "hq.log"):
            async with operator(keys, port) as client:
                last = await pulled_until(client, sys.maxsize)
                (certificate,) = await client.certificates(DAY, "")

    assert last["phase"] == "DONE", last
    assert certificate["row_count"] == ROW_COUNT
    assert held(hq_url) == ROW_COUNT
    assert replaced(hq_url) == 0


@pytest.mark.timeout(300)
async def test_hq_killed_at_each_step_around_a_damaged_batch_holds_every_row_once(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    (port,) = free_ports(1)
    died = []
    async with serving(keys, branch) as nodes:
        file = ported(hq_file(tmp_path, keys, hq_url, nodes, batch_rows=BATCH_ROWS), port)
        run = ("hq", "run", str(file))
        for step, count in DAMAGED_AND_KILLED:
            dying = ("-m", "tests.fakes.dying_hq", step, str(count), *run)
            with process(*dying, log=tmp_path / "hq.log") as hq:
                async with operator(keys, port) as client:
                    with suppress(RefusedError):
                        await pulled_until(client, sys.maxsize)
                died.append(await asyncio.to_thread(hq.wait, 20))
        before = held(hq_url)
        with process(*RUN_HQ, str(file), log=tmp_path / "hq.log"):
            async with operator(keys, port) as client:
                last = await pulled_until(client, sys.maxsize)
                (certificate,) = await client.certificates(DAY, "")

    assert died == [-SIGKILL] * len(DAMAGED_AND_KILLED)
    assert BATCH_ROWS < before < ROW_COUNT
    assert last["phase"] == "DONE", last
    assert certificate["row_count"] == ROW_COUNT
    assert held(hq_url) == ROW_COUNT
    assert replaced(hq_url) == 0


async def test_a_branch_killed_in_the_middle_goes_on_and_its_rows_are_held_once(
    tmp_path: Path, keys: Keys, branch: Branch, hq_url: str
) -> None:
    hq_port, branch_port = free_ports(2)
    certificate_files = keys.issue("site", "beijing")
    arguments = ("-m", "tests.journal_process", str(branch.engine.url), str(branch_port))
    files = (str(keys.folder / "ca.pem"), *map(str, certificate_files))
    node = BranchNode(branch=branch, tls=keys.tls("site", "beijing"), clock=ManualClock(), port=branch_port)
    file = ported(hq_file(tmp_path, keys, hq_url, [node], batch_rows=BATCH_ROWS), hq_port)

    with process(*RUN_HQ, str(file), log=tmp_path / "hq.log"):
        async with operator(keys, hq_port) as client:
            for row_count in KILLS_AFTER_ROWS:
                with process(*arguments, *files, log=tmp_path / "branch.log") as serving_branch:
                    wait_ready(serving_branch)
                    before = await pulled_until(client, row_count)
                    serving_branch.kill()
                    after = await pulled_until(client, sys.maxsize)
                assert before["phase"] == "PULLING", before
                assert after["phase"] == "FAILED", after
            with process(*arguments, *files, log=tmp_path / "branch.log") as serving_branch:
                wait_ready(serving_branch)
                last = await pulled_until(client, sys.maxsize)
            (certificate,) = await client.certificates(DAY, "")

    assert last["phase"] == "DONE", last
    assert certificate["row_count"] == ROW_COUNT
    assert held(hq_url) == ROW_COUNT
    assert replaced(hq_url) == 0


async def test_hq_told_to_stop_ends_after_a_batch_and_goes_on_where_it_was(
    tmp_path: Path, keys: Keys, branch: Branch
) -> None:
    (port,) = free_ports(1)
    url = f"sqlite:///{tmp_path / 'hq.db'}"
    async with serving(keys, branch) as nodes:
        file = ported(hq_file(tmp_path, keys, url, nodes, batch_rows=BATCH_ROWS), port)
        with process(*RUN_HQ, str(file), log=tmp_path / "hq.log") as hq:
            async with operator(keys, port) as client:
                await pulled_until(client, 500)
                hq.terminate()
                status = await asyncio.to_thread(hq.wait, 20)
        before = held(url)
        with process(*RUN_HQ, str(file), log=tmp_path / "hq.log"):
            async with operator(keys, port) as client:
                last = await pulled_until(client, sys.maxsize)

    assert status == 0
    assert 500 <= before < ROW_COUNT
    assert last["phase"] == "DONE", last
    # Acks that the branch had not kept bring at most a window of batches again.
    assert ROW_COUNT - before <= last["row_count"] <= ROW_COUNT - before + 4 * BATCH_ROWS


def ported(file: Path, port: int) -> Path:
    """HQ's file with a port that stays over restarts."""
    file.write_text(file.read_text().replace("[listen]\nport = 0", f"[listen]\nport = {port}"))
    return file


def wait_ready(child: subprocess.Popen[bytes]) -> None:
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"


def held(url: str) -> int:
    engine = create_engine(url)
    with engine.connect() as connection:
        ledger = RECEIVED["ledger"]
        count: int = connection.execute(select(func.count(func.distinct(ledger.c.seq)))).scalar_one()
    engine.dispose()
    return count


def replaced(url: str) -> int:
    """How often a row was written over another; SQLite does not count."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        return 0
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
        found = text("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'ledger'")
        count: int = connection.execute(found).scalar_one()
    engine.dispose()
    return count
