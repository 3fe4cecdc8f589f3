"""What loading needs of a database."""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Table, tuple_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from sync.journal.batch import Row
from sync.records.shape import ConsolidatedTable


class RowsRefusedError(Exception):
    """The database does not take one of these rows; which one, it does not say."""


class Loader(Protocol):
    """Upserts rows of one stream."""

    def load(
        self, connection: Connection, table: Table, shape: ConsolidatedTable, rows: Sequence[Row], epoch: int
    ) -> int:
        """Add rows (in the order of `shape.fields`, rev last), replace older ones; returns how many changed.

        Raises:
            RowsRefusedError: the transaction has to go back to a savepoint.
        """
        ...


def is_newer(
    excluded: ReadOnlyColumnCollection[str, ColumnElement[object]], table: Table
) -> ColumnElement[bool]:
    """The rule that makes loading twice the same as loading once."""
    return tuple_(excluded["epoch"], excluded["rev"]) > tuple_(table.c.epoch, table.c.rev)
