"""What every part of the store needs to change a site's own rows: the place, the day, the grave."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_

from branch.store.statements import upsert_rows
from router.ids import SiteId
from sync.clock import Clock
from sync.journal.capture.keeping import bury
from sync.journal.database import snapshot, writing
from sync.journal.tables import Removal
from sync.records.business_day import BusinessCalendar


class SiteDatabase:
    """One site's rows in one database. Its calls block; commands and other threads may make them."""

    def __init__(self, engine: Engine, site_id: SiteId, calendar: BusinessCalendar, clock: Clock) -> None:
        """`clock` is the one the ledger is stamped with."""
        self.engine = engine
        self.site_id = site_id
        self.clock = clock
        self._calendar = calendar

    def reading(self) -> AbstractContextManager[Connection]:
        """Everything read in here is of one moment."""
        return snapshot(self.engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """Everything written in here is committed at its end, or nothing is."""
        return writing(self.engine)

    def put(self, connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
        """Insert or replace a row of a consolidated table, as of today."""
        upsert_rows(connection, table, [{"site_id": self.site_id, **values, "business_date": self.today()}])

    def remove(
        self, connection: Connection, table: Table, key: Sequence[Any], removal: Removal = Removal.DELETED
    ) -> bool:
        """Remove the row with this key (site_id left out) here and, by a tombstone, at HQ.

        Returns False when there is none.
        """
        full_key = (self.site_id, *key)
        where = and_(*(column == value for column, value in zip(table.primary_key, full_key, strict=True)))
        days = (
            connection.execute(table.delete().where(where).returning(table.c.business_date)).scalars().all()
        )
        bury(connection, self.site_id, table.name, [(full_key, day) for day in days], removal)
        return bool(days)

    def today(self) -> str:
        """The site's business day."""
        return self._calendar.date_of(self.clock.utc_us())
