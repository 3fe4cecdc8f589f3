"""kill -9 of a process that writes: what it was told is written is there, and seq has no gap."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from branch.store.store import open_store
from router.records.moment import Moment
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from tests.fakes.ledger_book import BEIJING
from tests.fakes.store_contents import folded, ledger_of, values_of

RUNS = 3


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'branch.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


def write_and_be_killed(url: str, ack_limit: int) -> int:
    """Run the process until it has acknowledged so often, kill it, and return its last acknowledgement."""
    command = [sys.executable, "-m", "tests.fakes.store_process", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(ack_limit)]
        process.kill()
        # What was in the pipe when it died was acknowledged too; a line cut short was not.
        lines += [line for line in process.stdout if line.endswith("\n")]
        assert process.wait() == -signal.SIGKILL
    return int(lines[-1])


def test_every_acknowledged_row_is_there_and_the_tables_equal_the_ledger(url: str) -> None:
    rng = random.Random(1)
    for _ in range(RUNS):
        acknowledged = write_and_be_killed(url, ack_limit=rng.randint(5, 30))

        store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar("UTC"), clock=SystemClock())
        rows, derived = ledger_of(store), values_of(store)
        open_work = store.pick_up().fold.open_work(Moment.of(rows[-1]))
        store.close()

        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert len(rows) >= acknowledged
        assert len(rows) % 5 == 0, "the five rows of one turn are written together"
        assert derived == folded(rows)
        assert open_work.calls == ()
