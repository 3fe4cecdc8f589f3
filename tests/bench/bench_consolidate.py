"""Rows a second from a branch's SQLite file to HQ's PostgreSQL, against PostgreSQL's own way.

Both end with the same rows under the same meaning (stage, then an upsert of what is newer):
ours reads SQLite, packs, hashes, sends over gRPC with mutual TLS, checks, COPYs, upserts
and moves the watermark, batch by batch; the other one COPYs a CSV file that is there
already and upserts, in one transaction.
"""

import asyncio
import csv
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry
from psycopg import sql

from deploy.ports import free_ports
from deploy.postgres import PostgresServer, start_postgres
from hq.consolidate.instruments import ConsolidationInstruments
from hq.consolidate.progress import ProgressBoard
from hq.consolidate.taking import meet
from hq.consolidate.work import BatchLimits, PullWork, Stores
from hq.store.applying import Applier
from hq.store.days import DayBook
from hq.store.folding import Folding
from hq.store.proof import Proof
from hq.store.schema import migrate
from hq.store.sites import Site, SiteBook
from hq.store.threads import StoreThreads
from sync.clock import SystemClock
from sync.journal.database import open_database
from sync.journal.receiving.pull import open_pull
from sync.link.channel import open_channel
from sync.link.identity import Peer
from sync.records.tables import CONSOLIDATED
from tests.consolidations import ZONE, Keys
from tests.journals import DAY, Branch, ledger_rows, open_branch

ROW_COUNT = 50_000
REPEATS = 7
RATIO_GOAL = 0.5
"""Of what PostgreSQL does in C without a network, checks or a watermark a batch."""
BEIJING = Site(site_id="beijing", address="127.0.0.1:1", time_zone=ZONE, parent=None, first_business_date=DAY)
COMMAND = "python -m tests.bench consolidate"

_LEDGER = next(shape for shape in CONSOLIDATED if shape.name == "ledger")
_COLUMNS = (*(field.name for field in _LEDGER.fields), "rev", "epoch")


def results() -> list[dict[str, Any]]:
    """The ratio, and our figure on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder) / "postgres")
        branch = open_branch(f"sqlite:///{Path(folder) / 'branch.db'}")
        branch.write("ledger", ledger_rows(1, ROW_COUNT))
        try:
            ours, theirs = _measured(Path(folder), server, branch)
        finally:
            branch.engine.dispose()
            server.stop()
    row = {"better": "higher", "command": COMMAND}
    return [
        {
            "name": "consolidate/rows_vs_copy_and_upsert",
            "value": ours / theirs,
            "unit": "ratio",
            "goal": RATIO_GOAL,
        }
        | row,
        {"name": "consolidate/rows_per_s", "value": ours, "unit": "rows/s", "goal": None} | row,
    ]


def _measured(folder: Path, server: PostgresServer, branch: Branch) -> tuple[float, float]:
    """Rows a second of both ways, taking turns; the branch is a process of its own, as in life."""
    keys, file = Keys(folder / "pki"), _as_csv(branch)
    ours, theirs = [], []
    with _serving(keys, branch) as port:
        for turn in range(REPEATS):
            theirs.append(_timed(_made(server, f"copied_{turn}"), lambda url: _copy(url, file)))
            branch.keeper.begin_epoch(turn + 2, 0)  # Each turn is a first meeting.
            ours.append(_timed(_made(server, f"pulled_{turn}"), lambda url: _pull(url, keys, port)))
    return ROW_COUNT / median(ours), ROW_COUNT / median(theirs)


@contextmanager
def _serving(keys: Keys, branch: Branch) -> Iterator[int]:
    """The branch's journal, at the port that is given."""
    (port,) = free_ports(1)
    files = (keys.folder / "ca.pem", *keys.issue("site", "beijing"))
    command = [
        sys.executable,
        "-m",
        "tests.journal_process",
        str(branch.engine.url),
        str(port),
        *map(str, files),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            yield port
        finally:
            child.kill()


def _made(server: PostgresServer, name: str) -> str:
    """An empty HQ database that knows one site."""
    url = server.create_database(name)
    engine = open_database(url)
    migrate(engine)
    SiteBook(engine).enter([BEIJING])
    engine.dispose()
    return url


def _timed(url: str, work: Callable[[str], None]) -> float:
    start = time.perf_counter()
    work(url)
    seconds = time.perf_counter() - start
    _check(url)
    return seconds


def _check(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        (count,) = connection.execute("SELECT count(*) FROM ledger").fetchone() or (0,)
    assert count == ROW_COUNT, f"{count} rows came of {ROW_COUNT}"


def _pull(url: str, keys: Keys, port: int) -> None:
    asyncio.run(_pulled(url, keys, port))


async def _pulled(url: str, keys: Keys, port: int) -> None:
    engine, threads = open_database(url), StoreThreads(4)
    stores = Stores(
        sites=SiteBook(engine),
        days=DayBook(engine),
        applier=Applier(engine, quarantine_limit=0),
        proof=Proof(engine),
        folding=Folding(engine),
        threads=threads,
    )
    beijing = Peer(cluster="demo", kind="site", name="beijing")
    channel = open_channel("127.0.0.1", port, keys.tls("hq"), expected=beijing)
    async with channel, open_pull(channel) as pull:
        work = PullWork(
            site=BEIJING,
            pull=pull,
            stores=stores,
            clock=SystemClock(),
            limits=BatchLimits(),
            board=ProgressBoard(),
            instruments=ConsolidationInstruments(CollectorRegistry()),
            is_stopping=lambda: False,
        )
        taking = await meet(work)
        await taking.take_all()
        await pull.finish()
    threads.close()
    engine.dispose()


def _as_csv(branch: Branch) -> bytes:
    """The same rows as a file that PostgreSQL reads."""
    with branch.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"SELECT {', '.join(_COLUMNS[:-1])} FROM ledger").all()  # noqa: S608  # our own names
    out = io.StringIO()
    csv.writer(out).writerows((*row, 1) for row in rows)
    return out.getvalue().encode()


def _copy(url: str, file: bytes) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    changed = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
        for name in _COLUMNS
        if name not in ("site_id", "seq")
    )
    upsert = sql.SQL(
        "INSERT INTO ledger ({columns}) SELECT {columns} FROM stage ON CONFLICT (site_id, seq) DO UPDATE "
        "SET {changed} WHERE (excluded.epoch, excluded.rev) > (ledger.epoch, ledger.rev)"
    ).format(columns=columns, changed=changed)
    with psycopg.connect(url.replace("+psycopg", "")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE stage (LIKE ledger)")
        with cursor.copy(sql.SQL("COPY stage ({}) FROM STDIN (FORMAT CSV)").format(columns)) as copy:
            copy.write(file)
        cursor.execute(upsert)
