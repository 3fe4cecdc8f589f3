"""A process that writes a ledger and says on standard output which rows it was told are written.

`python -m tests.fakes.store_process URL` writes for ever: it is there to be killed.
"""

import asyncio
import sys

from branch.store.store import open_store
from router.ledger import LedgerRow
from sync.clock import SystemClock
from sync.records.business_day import BusinessCalendar
from tests.fakes.ledger_book import BEIJING, LedgerBook, arrived, connected, ended, offered, queued
from tests.fakes.store_ear import StoreEar

CALLS_AT_ONCE = 8


class TellingEar(StoreEar):
    """Acknowledges as a branch does: by letting something leave the process."""

    def note_written(self, seq: int) -> None:
        super().note_written(seq)
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()


async def write_for_ever(url: str) -> None:
    store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar("UTC"), clock=SystemClock())
    start = store.pick_up()
    writer = store.start_writer(start, TellingEar(), ballast_bytes=0)
    book = LedgerBook(first_seq=start.last_seq + 1)

    def next_rows(number: int) -> list[LedgerRow]:
        call = f"c{start.last_seq}-{number}"
        leg = f"l-{call}"
        return book.write(
            number, arrived(call), queued(call), offered(call, leg), connected(call, leg, 0), ended(call)
        )

    number = 0
    while True:
        for _ in range(CALLS_AT_ONCE):
            number += 1
            writer.append(next_rows(number))
        await writer.written(writer.appended_seq - 5 * CALLS_AT_ONCE // 2)


if __name__ == "__main__":
    asyncio.run(write_for_ever(sys.argv[1]))
