"""Recordings whose files' time is over, as the site's records have them."""

from collections.abc import Sequence

from sqlalchemy import select

from branch.store.site_database import SiteDatabase
from branch.store.statements import upsert_rows
from router.ids import RecordingId
from sync.records.tables import RECORDINGS


class KeptRecordings:
    """What is recorded is the ledger's affair; this marks what was pruned. Its calls block."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    def due(self, today: str, count: int) -> Sequence[RecordingId]:
        """Up to `count` that are past their last day and not marked yet, the oldest first."""
        table = RECORDINGS
        query = (
            select(table.c.recording_id)
            .where(
                table.c.site_id == self._database.site_id,
                table.c.retained_until < today,
                table.c.pruned_utc_us.is_(None),
                table.c.ended_utc_us.is_not(None),
            )
            .order_by(table.c.retained_until, table.c.recording_id)
            .limit(count)
        )
        with self._database.reading() as connection:
            return [RecordingId(each) for each in connection.execute(query).scalars()]

    def mark_pruned(self, recording_ids: Sequence[RecordingId]) -> None:
        """Their files are gone for their age. The records stay, and HQ gets the mark."""
        table = RECORDINGS
        query = select(table).where(
            table.c.site_id == self._database.site_id, table.c.recording_id.in_(recording_ids)
        )
        with self._database.writing() as connection:
            pruned_utc_us = self._database.clock.utc_us()
            rows = [
                {**row, "pruned_utc_us": pruned_utc_us} for row in connection.execute(query).mappings().all()
            ]
            upsert_rows(connection, table, rows)
