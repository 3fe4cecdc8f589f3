"""The port between the journal and a database: which changes may be read, and in which order."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Table

from sync.journal.position import Position


class CommitOrder(Protocol):
    """How one kind of database orders the changes of a table by commit.

    A change that is below a position which `end` once gave, and that is not there now, must
    never appear later: a reader that has gone past it would lose it.
    """

    def end(self, connection: Connection, site_id: str) -> Position:
        """Everything up to here is committed, and nothing will be added below it."""
        ...

    def columns(self, table: Table) -> Sequence[ColumnElement[Any]]:
        """What has to be read beside a row, at its end, to tell its position."""
        ...

    def position(self, row: Sequence[Any]) -> Position:
        """The position of a row that ends with `rev` and with `columns`."""
        ...

    def between(self, table: Table, lo: Position, to: Position) -> ColumnElement[bool]:
        """Readable changes above `lo`, up to `to`."""
        ...

    def sorting(self, table: Table) -> Sequence[ColumnElement[Any]]:
        """The order of positions."""
        ...

    def unsettled(self, table: Table) -> ColumnElement[bool] | None:
        """Changes that are visible and may not be read yet, or None where there are no such."""
        ...

    def instance(self, connection: Connection) -> str:
        """Names this life of the database server: positions of another one mean nothing here."""
        ...
