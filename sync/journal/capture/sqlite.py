"""SQLite: one writer at a time, so the counter bumped in its transaction is in the order of commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from sync.journal.position import Position
from sync.records.tables import REVISIONS


class SqliteOrder:
    """Positions are (0, rev)."""

    def end(self, connection: Connection, site_id: str) -> Position:
        counter = select(REVISIONS.c.rev).where(REVISIONS.c.site_id == site_id)
        return Position(0, connection.execute(counter).scalar() or 0)

    def columns(self, table: Table) -> Sequence[ColumnElement[Any]]:
        return ()

    def position(self, row: Sequence[Any]) -> Position:
        return Position(0, row[-1])

    def between(self, table: Table, lo: Position, to: Position) -> ColumnElement[bool]:
        return and_(table.c.rev > lo.rev, table.c.rev <= to.rev)

    def sorting(self, table: Table) -> Sequence[ColumnElement[Any]]:
        return (table.c.rev,)

    def unsettled(self, table: Table) -> ColumnElement[bool] | None:
        return None

    def instance(self, connection: Connection) -> str:
        # A file has no identity of its own: copies of it are told apart by the nonces.
        return "sqlite"
