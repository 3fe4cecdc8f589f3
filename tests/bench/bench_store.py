"""The store's commits against raw sqlite3 with the same rows, the same table and the same fsync policy.

Raw is an executemany of ready-made values into the ledger's table and nothing else. Ours
also encodes the entries, folds them into the calls' records, writes those, gives every
row its revision and wakes who waits; that is what the ratios cost.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from branch.store.store import Store, open_store
from router.ledger import LedgerRow
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.codec import ledger_record
from sync.records.tables import LEDGER
from tests.fakes.ledger_book import BEIJING, LedgerBook, arrived, connected, ended, offered, queued
from tests.fakes.store_ear import StoreEar

COMMAND = "make bench"
TURNS = 150
ROWS_PER_TURN = 2
BULK_CALLS = 4_000
ROWS_PER_CALL = 5
BULK_GROUP = 2_000
WAITERS = 200
REPEATS = 3
COMMIT_RATIO_GOAL = 4.0
"""Where an fsync takes a quarter of a millisecond; on a slower disk it is nearer to 1."""
SHARED_ROWS_GOAL = WAITERS * ROWS_PER_TURN / 4
"""A commit in flight when a turn comes is not waited for, so not all turns can share one."""

_INSERT = f"INSERT INTO ledger VALUES ({', '.join('?' * len(LEDGER.columns))})"  # noqa: S608  # placeholders only


class Raw:
    """Nothing between the rows and the file."""

    def __init__(self, folder: Path) -> None:
        store = open_here(folder / "raw.db")
        store.close()
        self._connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")

    def commit(self, values: Sequence[tuple[object, ...]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(_INSERT, values)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class Ours:
    """The branch's own way, from append to the wake-up."""

    def __init__(self, folder: Path) -> None:
        self._store = open_here(folder / "ours.db")
        self.ear = StoreEar()
        self.writer = self._store.start_writer(self._store.pick_up(), self.ear, ballast_bytes=0)

    async def commit(self, rows: Sequence[LedgerRow]) -> None:
        self.writer.append(rows)
        await self.writer.written(rows[-1].seq)

    async def close(self) -> None:
        await self.writer.close()
        self._store.close()


def open_here(file: Path) -> Store:
    return open_store(
        f"sqlite:///{file}", site_id=BEIJING, calendar=BusinessCalendar("UTC"), clock=SystemClock()
    )


def values(rows: Sequence[LedgerRow]) -> list[tuple[object, ...]]:
    names = [column.name for column in LEDGER.columns]
    return [tuple({**ledger_record(row), "rev": row.seq}[name] for name in names) for row in rows]


def turn(book: LedgerBook) -> list[LedgerRow]:
    call = f"c{len(book.rows)}"
    return book.write(0, arrived(call), queued(call))


def whole_call(book: LedgerBook) -> list[LedgerRow]:
    call = f"c{len(book.rows)}"
    leg = f"l-{call}"
    return book.write(
        0, arrived(call), queued(call), offered(call, leg), connected(call, leg, 0), ended(call)
    )


async def latencies(raw: Raw, ours: Ours, book: LedgerBook) -> tuple[float, float]:
    """Seconds of a commit of one turn, raw and ours, taking turns."""
    raw_s: list[float] = []
    ours_s: list[float] = []
    for _ in range(TURNS):
        rows = turn(book)
        ready = values(rows)
        began = time.perf_counter()
        raw.commit(ready)
        between = time.perf_counter()
        await ours.commit(rows)
        raw_s.append(between - began)
        ours_s.append(time.perf_counter() - between)
    return median(raw_s), median(ours_s)


async def bulk(raw: Raw, ours: Ours, book: LedgerBook) -> tuple[float, float]:
    """Rows a second in large groups, raw and ours."""
    calls = [whole_call(book) for _ in range(BULK_CALLS)]
    rows = [row for call in calls for row in call]
    ready = values(rows)
    began = time.perf_counter()
    for start in range(0, len(ready), BULK_GROUP):
        raw.commit(ready[start : start + BULK_GROUP])
    between = time.perf_counter()
    for call in calls:
        ours.writer.append(call)
    await ours.writer.written(rows[-1].seq)
    ended_at = time.perf_counter()
    return len(rows) / (between - began), len(rows) / (ended_at - between)


async def rows_per_commit(ours: Ours, book: LedgerBook) -> float:
    """With many turns that each wait for their own rows, as live calls do."""
    first = len(ours.ear.commits)

    async def one_call() -> None:
        for _ in range(5):
            await ours.commit(turn(book))

    async with asyncio.TaskGroup() as calls:
        for _ in range(WAITERS):
            calls.create_task(one_call())
    commits = ours.ear.commits[first:]
    return sum(each.row_count for each in commits) / len(commits)


async def measure(folder: Path) -> list[dict[str, Any]]:
    raw, ours, book = Raw(folder), Ours(folder), LedgerBook()
    await latencies(raw, ours, book)
    latency_pairs = [await latencies(raw, ours, book) for _ in range(REPEATS)]
    bulk_pairs = [await bulk(raw, ours, book) for _ in range(REPEATS)]
    shared = await rows_per_commit(ours, book)
    raw.close()
    await ours.close()
    commit_s = median(ours_s for _, ours_s in latency_pairs)
    commit_ratio = median(ours_s / raw_s for raw_s, ours_s in latency_pairs)
    rate = median(our_rate for _, our_rate in bulk_pairs)
    rate_ratio = median(our_rate / raw_rate for raw_rate, our_rate in bulk_pairs)
    return [
        _row("node/commit_ms", 1_000 * commit_s, "ms", "lower", None),
        _row("node/commit_vs_sqlite3", commit_ratio, "ratio", "lower", COMMIT_RATIO_GOAL),
        _row("node/ledger_rows_per_s", rate, "1/s", "higher", None),
        _row("node/ledger_rows_vs_sqlite3", rate_ratio, "ratio", "higher", None),
        _row("node/ledger_rows_per_commit", shared, "rows", "higher", SHARED_ROWS_GOAL),
    ]


def results() -> list[dict[str, Any]]:
    """Rows for build/bench.json."""
    # Not in the system's folder for temporary files: that may be memory, where fsync costs nothing.
    build = Path("build")
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        return asyncio.run(measure(Path(folder)))


def _row(name: str, value: float, unit: str, better: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "better": better,
        "goal": goal,
        "command": COMMAND,
    }


if __name__ == "__main__":
    for row in results():
        print(row)
