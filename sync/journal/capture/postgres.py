"""PostgreSQL: sequence numbers are given out before the commit, so they do not order commits.

A transaction that drew a small rev may commit after one that drew a greater one, and a
reader that remembers the greatest rev it saw would never see the smaller. So changes are
ordered by (xid, rev), and only those of transactions older than every running one are
read: below `pg_snapshot_xmin` nothing can be added any more.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, literal_column, text

from sync.journal.position import Position

_REV_MAX = 2**63 - 1
_READABLE = "xid < pg_snapshot_xmin(pg_current_snapshot())"


class PostgresOrder:
    """Positions are (xid8, rev); both are written by the trigger of sync.records.postgres."""

    def end(self, connection: Connection, site_id: str) -> Position:
        xmin = connection.execute(text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")).scalar_one()
        return Position(int(xmin) - 1, _REV_MAX)

    def columns(self, table: Table) -> Sequence[ColumnElement[Any]]:
        return (literal_column(f"{table.name}.xid::text"),)

    def position(self, row: Sequence[Any]) -> Position:
        *_, rev, xid = row
        return Position(int(xid), rev)

    def between(self, table: Table, lo: Position, to: Position) -> ColumnElement[bool]:
        return and_(
            text(f"({table.name}.xid, {table.name}.rev) > (CAST(:lo_xid AS xid8), :lo_rev)").bindparams(
                lo_xid=str(lo.xid), lo_rev=lo.rev
            ),
            text(f"({table.name}.xid, {table.name}.rev) <= (CAST(:to_xid AS xid8), :to_rev)").bindparams(
                to_xid=str(to.xid), to_rev=to.rev
            ),
            text(f"{table.name}.{_READABLE}"),
        )

    def sorting(self, table: Table) -> Sequence[ColumnElement[Any]]:
        return (literal_column(f"{table.name}.xid"), table.c.rev)

    def unsettled(self, table: Table) -> ColumnElement[bool] | None:
        return literal_column(f"NOT {table.name}.{_READABLE}")

    def instance(self, connection: Connection) -> str:
        # A dump that was loaded elsewhere has another identifier, a backup rolled forward to
        # a moment has another timeline: in both, xids begin anew or mean something else.
        found = connection.execute(
            text(
                "SELECT system_identifier::text || '/' || timeline_id "
                "FROM pg_control_system(), pg_control_checkpoint()"
            )
        )
        return str(found.scalar_one())
