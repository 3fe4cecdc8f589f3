"""SQLite: one prepared upsert, run for every row."""

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError

from hq.store.loading.port import RowsRefusedError, is_newer
from sync.journal.batch import Row
from sync.records.shape import ConsolidatedTable


class SqliteLoader:
    def load(
        self, connection: Connection, table: Table, shape: ConsolidatedTable, rows: Sequence[Row], epoch: int
    ) -> int:
        names = (*(field.name for field in shape.fields), "rev", "epoch")
        try:
            done = connection.exec_driver_sql(_upsert(table, names), [(*row, epoch) for row in rows])
        except (DataError, IntegrityError, InterfaceError, OverflowError) as error:
            raise RowsRefusedError(type(error).__name__) from error
        return done.rowcount


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> str:
    adding = sqlite.insert(table)
    key = list(table.primary_key)
    changed = {name: adding.excluded[name] for name in names if table.c[name] not in key}
    adding = adding.on_conflict_do_update(
        index_elements=key, set_=changed, where=is_newer(adding.excluded, table)
    )
    return str(adding.compile(dialect=sqlite.dialect(), column_keys=names))
