"""A disk that is full, a database that is locked, a server that dies: the calls go on, no row is lost."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from branch.operating.metrics import StoreCollector
from branch.store.health import HealthPolicy, StoreState
from branch.store.store import Store, open_store
from branch.store.writer import LedgerWriter
from deploy.postgres import PostgresServer, start_postgres
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from tests.fakes.ledger_book import BEIJING, LedgerBook, arrived, queued
from tests.fakes.store_contents import folded, ledger_of, values_of
from tests.fakes.store_ear import StoreEar

POLICY = HealthPolicy(degrade_after_ms=300, row_limit=1_000)


def open_here(url: str) -> Store:
    return open_store(url, site_id=BEIJING, calendar=BusinessCalendar("UTC"), clock=SystemClock())


def shown(writer: LedgerWriter) -> dict[str, float]:
    """What the metric says of each state."""
    (family,) = StoreCollector(lambda: writer.state).collect()
    return {sample.labels["state"]: sample.value for sample in family.samples}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = start_postgres(tmp_path / "pg")
    yield server
    server.stop()


def test_a_full_disk_is_met_step_by_step_and_left_behind_without_a_loss(tmp_path: Path) -> None:
    """A real file system of 64 MB, in a mount namespace that ends with the process."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this system lets its users make no mount namespace, so there is no small disk")

    done = subprocess.run(
        [*unshare, sys.executable, "-m", "tests.fakes.store_on_small_disk", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["states"] == ["BALLAST_RELEASED", "DEGRADED", "REFUSING", "OK"]
    assert "full" in found["problems"][0]
    assert found["problems"][-1] is None
    assert found["had_ballast"]
    released, degraded, refusing = found["rows_on_disk"]
    assert released < degraded, "the ballast's room was written to"
    assert refusing < found["rows_taken"] - 10_000, "the calls went on in memory"
    assert found["kept_every_row"]
    assert found["tables_equal_the_ledger"]
    assert found["has_ballast_again"]


async def test_a_database_that_another_process_keeps_locked_degrades_and_comes_back(tmp_path: Path) -> None:
    store, ear, book = open_here(f"sqlite:///{tmp_path / 'branch.db'}"), StoreEar(), LedgerBook()
    writer = store.start_writer(store.pick_up(), ear, policy=POLICY, ballast_bytes=0)
    other = sqlite3.connect(tmp_path / "branch.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    writer.append(book.write(0, arrived("c1")))
    await writer.written(1)
    assert ear.states == [StoreState.DEGRADED]
    assert store.last_seq() == 0

    writer.append(book.write(1, queued("c1")))
    await writer.written(2)
    assert (writer.appended_seq, writer.committed_seq) == (2, 0)
    assert shown(writer) == {"OK": 0, "BALLAST_RELEASED": 0, "DEGRADED": 1, "REFUSING": 0}
    other.execute("ROLLBACK")
    other.close()
    await ear.until(lambda: ear.states[-1] is StoreState.OK)

    assert ledger_of(store) == book.rows
    assert writer.committed_seq == 2
    assert shown(writer) == {"OK": 1, "BALLAST_RELEASED": 0, "DEGRADED": 0, "REFUSING": 0}
    await writer.close()
    store.close()


async def test_a_server_that_dies_and_comes_back_has_every_row_once(server: PostgresServer) -> None:
    store, ear, book = open_here(server.url), StoreEar(), LedgerBook()
    writer = store.start_writer(store.pick_up(), ear, policy=POLICY)
    writer.append(book.write(0, arrived("c0")))
    await writer.written(1)

    for outage in range(3):
        for number in range(200):
            writer.append(book.write(outage, arrived(f"c{outage}-{number}"), queued(f"c{outage}-{number}")))
        server.kill()
        await writer.written(len(book.rows))
        server.restart()
        await ear.until(lambda: writer.state is StoreState.OK)

    await writer.close()
    assert ledger_of(store) == book.rows
    assert values_of(store) == folded(book.rows)
    store.close()


async def test_a_process_that_ends_while_its_database_is_away_says_what_it_lost(
    server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    store, ear, book = open_here(server.url), StoreEar(), LedgerBook()
    writer = store.start_writer(store.pick_up(), ear, policy=POLICY)
    server.kill()
    writer.append(book.write(0, arrived("c1"), queued("c1")))
    await writer.written(2)

    await writer.close()

    assert ear.states == [StoreState.DEGRADED]
    assert "ledger_rows_lost" in capsys.readouterr().out
    server.restart()
    assert store.last_seq() == 0
    store.close()
