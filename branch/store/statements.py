"""Statements compiled once: rows go to the driver as they are, without the way through Core.

A row's values are given by column name, `rev` left out where a table has one: on SQLite it
is taken from the site's counter in the same transaction, on PostgreSQL a trigger writes it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite

from sync.records.revision import next_revs

Values = Mapping[str, Any]


def insert_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert new rows of one site.

    Raises:
        sqlalchemy.exc.IntegrityError: a key is taken.
    """
    _write(connection, table, rows, is_upsert=False)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert rows of one site, or replace those with their keys; no key stands twice in `rows`."""
    _write(connection, table, rows, is_upsert=True)


def _write(connection: Connection, table: Table, rows: Sequence[Values], *, is_upsert: bool) -> None:
    if not rows:
        return
    is_sqlite = connection.dialect.name == "sqlite"
    names = tuple(column.name for column in table.columns if is_sqlite or column.name != "rev")
    if "rev" in names:
        revs = next_revs(connection, rows[0]["site_id"], len(rows))
        rows = [{**row, "rev": rev} for row, rev in zip(rows, revs, strict=True)]
    statement = _statement(connection.dialect, table, names, is_upsert)
    if is_sqlite:
        connection.exec_driver_sql(statement, [tuple(map(row.__getitem__, names)) for row in rows])
    else:
        connection.exec_driver_sql(statement, [dict(row) for row in rows])


@cache
def _statement(dialect: Dialect, table: Table, names: tuple[str, ...], is_upsert: bool) -> str:
    """An insert of the columns `names`, in their order; an upsert replaces all but the key."""
    insert = (sqlite if dialect.name == "sqlite" else postgresql).insert(table)
    if is_upsert:
        replaced = {name: insert.excluded[name] for name in names if not table.columns[name].primary_key}
        insert = insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=replaced)
    return str(insert.compile(dialect=dialect, column_keys=names))
