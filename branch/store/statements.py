"""Statements compiled once: rows go to the driver as they are, without the way through Core.

A row's values are given by column name, `rev` left out where a table has one: on SQLite it
is taken from the site's counter in the same transaction, on PostgreSQL a trigger writes it.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from sync.journal.database import is_sqlite
from sync.records.plain import execute_many_plain
from sync.records.revision import next_revs

Values = Mapping[str, Any]


def write_rows(
    connection: Connection,
    *,
    inserted: Mapping[Table, Sequence[Values]],
    upserted: Mapping[Table, Sequence[Values]],
) -> None:
    """Insert new rows of one site, and insert or replace others; no key stands twice.

    Raises:
        sqlalchemy.exc.IntegrityError: a key of those that are new is taken.
    """
    revs = _revs(connection, [*inserted.items(), *upserted.items()])
    for table, rows in inserted.items():
        _write(connection, table, rows, revs, is_upsert=False)
    for table, rows in upserted.items():
        _write(connection, table, rows, revs, is_upsert=True)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows of one site, or replace those with their keys; no key stands twice in `rows`."""
    write_rows(connection, inserted={}, upserted={table: rows})


def _revs(connection: Connection, writes: Sequence[tuple[Table, Sequence[Values]]]) -> Iterator[int]:
    """Where the writer takes them, as many as there are rows: one statement, however many tables."""
    takers = [rows for table, rows in writes if "rev" in _names(table) and rows]
    if not takers or not is_sqlite(connection):
        return iter(())
    return iter(next_revs(connection, takers[0][0]["site_id"], sum(map(len, takers))))


def _write(
    connection: Connection, table: Table, rows: Sequence[Values], revs: Iterator[int], *, is_upsert: bool
) -> None:
    if not rows:
        return
    names = _names(table)
    if not is_sqlite(connection):
        names = tuple(name for name in names if name != "rev")
        statement = _statement(connection.dialect, table, names, is_upsert)
        connection.exec_driver_sql(statement, [dict(row) for row in rows])
        return
    statement = _statement(connection.dialect, table, names, is_upsert)
    if "rev" in names:
        rows = [{**row, "rev": next(revs)} for row in rows]
    execute_many_plain(connection, statement, [tuple(map(row.__getitem__, names)) for row in rows])


@cache
def _names(table: Table) -> tuple[str, ...]:
    """Of its columns; SQLAlchemy copies its collection of them each time it is looked through."""
    return tuple(column.name for column in table.columns)


@cache
def _statement(dialect: Dialect, table: Table, names: tuple[str, ...], is_upsert: bool) -> str:
    """An insert of the columns `names`, in their order; an upsert replaces all but the key."""
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
    if is_upsert:
        replaced = {name: insert.excluded[name] for name in names if not table.columns[name].primary_key}
        insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)
    return str(insert.compile(dialect=dialect, column_keys=names))
