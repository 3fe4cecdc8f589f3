"""PostgreSQL: a binary COPY into a table of the session's own, then one upsert from there.

MERGE by batch costs more than twice as much: it joins the whole table.
"""

from collections.abc import Sequence
from functools import cache

import psycopg
from psycopg import sql
from sqlalchemy import BigInteger, Connection, Executable, Table, bindparam, column, select
from sqlalchemy import table as named_table
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DataError, IntegrityError

from hq.store.loading.port import RowsRefusedError, is_newer
from sync.journal.batch import Row
from sync.records.shape import ConsolidatedTable, ValueType

_TYPES = {
    ValueType.INT: "int8",
    ValueType.TEXT: "text",
    ValueType.BOOL: "bool",
    ValueType.BYTES: "bytea",
    ValueType.JSON: "text",
}


class PostgresLoader:
    def load(
        self, connection: Connection, table: Table, shape: ConsolidatedTable, rows: Sequence[Row], epoch: int
    ) -> int:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection), "HQ's PostgreSQL is reached with psycopg"
        try:
            with driver.cursor() as cursor:
                cursor.execute(_create_stage(table))
                cursor.execute(sql.SQL("DELETE FROM {}").format(_stage(table)))
                with cursor.copy(_copy(table, shape)) as copy:
                    copy.set_types([_TYPES[field.type] for field in shape.fields] + ["int8"])
                    for row in rows:
                        copy.write_row(row)
            upsert = _upsert(table, _columns(shape))
            counted = {"preserve_rowcount": True}
            return connection.execute(upsert, {"epoch": epoch}, execution_options=counted).rowcount
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise RowsRefusedError(_problem(error)) from error
        except (DataError, IntegrityError) as error:
            raise RowsRefusedError(_problem(error.orig)) from error


def _stage(table: Table) -> sql.Identifier:
    return sql.Identifier(f"stage_{table.name}")


def _columns(shape: ConsolidatedTable) -> tuple[str, ...]:
    return (*(field.name for field in shape.fields), "rev")


def _create_stage(table: Table) -> sql.Composed:
    """Without constraints: what is wrong with a row, the upsert finds."""
    columns = sql.SQL(", ").join(sql.Identifier(c.name) for c in table.columns if c.name != "epoch")
    return sql.SQL(
        "CREATE TEMP TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS "
        "AS SELECT {columns} FROM {table} WITH NO DATA"
    ).format(stage=_stage(table), columns=columns, table=sql.Identifier(table.name))


def _copy(table: Table, shape: ConsolidatedTable) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, _columns(shape)))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(_stage(table), columns)


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> Executable:
    stage = named_table(f"stage_{table.name}", *(column(name, table.c[name].type) for name in names))
    staged = select(*(stage.c[name] for name in names), bindparam("epoch", type_=BigInteger))
    adding = postgresql.insert(table).from_select([*names, "epoch"], staged)
    key = list(table.primary_key)
    changed = {name: adding.excluded[name] for name in (*names, "epoch") if table.c[name] not in key}
    return adding.on_conflict_do_update(
        index_elements=key, set_=changed, where=is_newer(adding.excluded, table)
    )


def _problem(error: object) -> str:
    """What is wrong, without the values: they are a customer's."""
    diagnosis = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return diagnosis or (str(error) if isinstance(error, psycopg.DataError) else type(error).__name__)
