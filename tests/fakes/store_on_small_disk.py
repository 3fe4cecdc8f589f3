"""A branch's store on a disk that fills up, told as JSON: the states it went through and what it kept.

`python -m tests.fakes.store_on_small_disk FOLDER` mounts a small file system on FOLDER, so
it is run in a mount namespace of its own.
"""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

from branch.store.health import HealthPolicy, StoreState
from branch.store.store import Store, open_store
from branch.store.writer import LedgerWriter
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from tests.fakes.ledger_book import BEIJING, LedgerBook, arrived, ended, queued
from tests.fakes.store_contents import folded, ledger_of, values_of
from tests.fakes.store_ear import StoreEar

DISK_BYTES = 64 * 1024 * 1024
BALLAST_BYTES = 4 * 1024 * 1024
LEFT_BYTES = 1024 * 1024
POLICY = HealthPolicy(degrade_after_ms=300, row_limit=20_000)
CALLS_AT_ONCE = 50


class Traffic:
    """Calls that keep coming, whatever the disk does."""

    def __init__(self, writer: LedgerWriter, ear: StoreEar) -> None:
        self.book = LedgerBook()
        self._writer = writer
        self._ear = ear

    async def until(self, state: StoreState) -> None:
        """Write calls until the store says that it is in this state; no more than the disk can take later."""
        while state not in self._ear.states:
            if len(self.book.rows) - self._ear.commits[-1].last_seq > POLICY.row_limit:
                await self._ear.until(lambda: state in self._ear.states)
                return
            for _ in range(CALLS_AT_ONCE):
                call = f"c{len(self.book.rows)}"
                self._writer.append(self.book.write(0, arrived(call), queued(call), ended(call)))
            await self._writer.written(len(self.book.rows))


def fill(folder: Path) -> Path:
    """Somebody else's file, which takes all room but a little."""
    filler = folder / "filler"
    free_bytes = shutil.disk_usage(folder).free
    with filler.open("wb") as file:
        file.write(b"x" * (free_bytes - LEFT_BYTES))
    return filler


async def play(store: Store, folder: Path) -> dict[str, object]:
    ear = StoreEar()
    writer = store.start_writer(store.pick_up(), ear, policy=POLICY, ballast_bytes=BALLAST_BYTES)
    traffic = Traffic(writer, ear)
    writer.append(traffic.book.write(0, arrived("first")))
    await writer.written(1)
    had_ballast = (folder / "branch.db.ballast").exists()
    filler = fill(folder)

    rows_on_disk: list[int] = []
    for state in (StoreState.BALLAST_RELEASED, StoreState.DEGRADED, StoreState.REFUSING):
        await traffic.until(state)
        rows_on_disk.append(store.last_seq())
    filler.unlink()
    await ear.until(lambda: ear.states[-1] is StoreState.OK)
    await writer.close()

    rows = ledger_of(store)
    return {
        "had_ballast": had_ballast,
        "states": ear.states,
        "problems": [each.problem for each in ear.standings],
        "rows_on_disk": rows_on_disk,
        "rows_taken": len(traffic.book.rows),
        "kept_every_row": rows == traffic.book.rows,
        "tables_equal_the_ledger": values_of(store) == folded(rows),
        "has_ballast_again": (folder / "branch.db.ballast").stat().st_size == BALLAST_BYTES,
    }


def main(folder: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    store = open_store(
        f"sqlite:///{folder / 'branch.db'}",
        site_id=BEIJING,
        calendar=BusinessCalendar("UTC"),
        clock=SystemClock(),
    )
    print(json.dumps(asyncio.run(play(store, folder))))  # noqa: T201  # its output is its result
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
