"""What was written on customers' last contacts: in memory, so that no card waits for a database.

The newest notes are read at the start. Whoever calls is looked up once more beside the call: what was
erased, or written by another process, shows then.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from branch.customers.contact_note import SHOWN_LIMIT, ContactNote, KeptNote
from router.ids import CustomerId

READ_LIMIT = 20_000
"""Notes that are read at the start."""
CUSTOMER_LIMIT = 20_000
"""With three notes of full length each, some 60 MB; those who called or were noted last stay."""

log = structlog.get_logger()


class NoteRecords(Protocol):
    """The part of the store that knows notes; its calls block."""

    def newest(self, count: int) -> Sequence[KeptNote]:
        """The newest notes on customers' contacts, oldest first."""
        ...

    def last_of(self, customer_id: CustomerId, count: int) -> Sequence[ContactNote]:
        """The customer's newest notes, newest first."""
        ...


class NoteBook:
    """The last notes by customer."""

    def __init__(
        self, records: NoteRecords, *, start_task: Callable[[Coroutine[Any, Any, None]], object]
    ) -> None:
        """Blocks while the newest are read."""
        self._records = records
        self._start_task = start_task
        self._notes: OrderedDict[CustomerId, tuple[ContactNote, ...]] = OrderedDict()
        self.version = 0
        """Grows with every change of what is shown."""
        for each in records.newest(READ_LIMIT):
            self.note(each)

    def last_of(self, customer_id: CustomerId) -> tuple[ContactNote, ...]:
        """Newest first, at most `SHOWN_LIMIT`; none for somebody who has not called for long."""
        return self._notes.get(customer_id, ())

    def note(self, kept: KeptNote) -> None:
        """It was written just now; a repeated one changes nothing."""
        if kept.customer_id is not None:
            before = self.last_of(kept.customer_id)
            if kept.note not in before:
                newest = sorted((kept.note, *before), key=lambda each: each.written_utc_us, reverse=True)
                self._put(kept.customer_id, newest)

    def forget(self, customer_id: CustomerId) -> None:
        """The customer is not known any more."""
        if self._notes.pop(customer_id, None) is not None:
            self.version += 1

    def look_up_soon(self, customer_id: CustomerId) -> None:
        """Read the customer's notes beside the call."""
        self._start_task(self._look_up(customer_id))

    async def _look_up(self, customer_id: CustomerId) -> None:
        while True:
            before = self._notes.get(customer_id)
            try:
                found = await asyncio.to_thread(self._records.last_of, customer_id, SHOWN_LIMIT)
            except SQLAlchemyError:
                # What the database says of a statement may hold what is written in it.
                log.warning("notes_unread")
                return
            if self._notes.get(customer_id) is before:
                break  # Else something was written while we read.
        if tuple(found) != self.last_of(customer_id):
            self._put(customer_id, found)

    def _put(self, customer_id: CustomerId, notes: Sequence[ContactNote]) -> None:
        self._notes[customer_id] = tuple(notes[:SHOWN_LIMIT])
        self._notes.move_to_end(customer_id)
        if len(self._notes) > CUSTOMER_LIMIT:
            self._notes.popitem(last=False)
        self.version += 1
