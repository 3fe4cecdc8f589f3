"""Files of recordings past their queue's retention are deleted, and their records marked.

A row that is marked says that its file was deleted for its age; one whose file somebody
else deleted is not marked.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from router.ids import RecordingId

log = structlog.get_logger()

_LOOK_INTERVAL_S = 600.0
"""Retention is counted in days: a file may stay ten minutes longer."""
_AT_ONCE = 500


class Records(Protocol):
    """The part of the store that knows recordings; its calls block."""

    def due(self, today: str, count: int) -> Sequence[RecordingId]: ...

    def mark_pruned(self, recording_ids: Sequence[RecordingId]) -> None: ...


class Pruning:
    """One site's folder of recordings."""

    def __init__(self, folder: Path, records: Records, today: Callable[[], str]) -> None:
        self._folder = folder
        self._records = records
        self._today = today

    async def run(self) -> None:
        """Look until cancelled; a folder or database that is away is tried again."""
        while True:
            try:
                await asyncio.to_thread(self.prune)
            except (OSError, DBAPIError) as error:
                log.warning("recordings_not_pruned", problem=str(error)[:300])
            await asyncio.sleep(_LOOK_INTERVAL_S)

    def prune(self) -> int:
        """Delete what is due, then say so; returns how many recordings. Blocks.

        A process that dies in between deletes nothing twice: what is gone is only marked.

        Raises:
            OSError: the folder, or a file in it, cannot be used; nothing of that batch was marked.
        """
        count = 0
        while due := self._records.due(self._today(), _AT_ONCE):
            if not self._folder.is_dir():
                raise NotADirectoryError(f"{self._folder} is not there; check [recording] folder")
            for recording_id in due:
                for file in self._folder.glob(f"{recording_id}.*"):
                    file.unlink(missing_ok=True)
            self._records.mark_pruned(due)
            count += len(due)
        if count:
            log.info("recordings_pruned", count=count)
        return count
