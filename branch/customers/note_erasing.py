"""Notes are kept for so many days, then erased: at the site, and at HQ by their tombstones."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger()

_LOOK_INTERVAL_S = 600.0
"""Retention is counted in days: a note may stay ten minutes longer."""


class NoteRecords(Protocol):
    """The part of the store that erases notes; its calls block."""

    def erase_before(self, business_date: str) -> int:
        """Erase what was written before this day; returns how many notes."""
        ...


class NoteErasing:
    """One site's notes by their age."""

    def __init__(self, records: NoteRecords, *, retention_days: int, today: Callable[[], str]) -> None:
        """`today` is the site's business day, asked for from a thread."""
        self._records = records
        self._retention = timedelta(days=retention_days)
        self._today = today

    async def run(self) -> None:
        """Look until cancelled; a database that is away is tried again."""
        while True:
            try:
                await asyncio.to_thread(self.erase)
            except DBAPIError as error:
                log.warning("notes_not_erased", problem=str(error.orig)[:300])
            await asyncio.sleep(_LOOK_INTERVAL_S)

    def erase(self) -> int:
        """Erase what is past its retention; returns how many notes. Blocks."""
        count = self._records.erase_before((date.fromisoformat(self._today()) - self._retention).isoformat())
        if count:
            log.info("notes_erased", count=count)
        return count
