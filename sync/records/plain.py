"""SQLite's own driver for the few statements that every commit of the call path runs.

SQLAlchemy's way to the driver costs several times what SQLite itself takes for a row or two. The
transaction stays SQLAlchemy's, and so do the errors.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def execute_plain(connection: Connection, statement: str, values: Sequence[Any]) -> Any:
    """The one row that `statement` returns.

    Raises:
        sqlalchemy.exc.DBAPIError: as SQLAlchemy would have raised it; values are not in it.
    """
    try:
        return _driver(connection).execute(statement, values).fetchone()
    except sqlite3.Error as error:
        raise _translated(statement, error) from error


def execute_many_plain(connection: Connection, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run `statement` once for each of `rows`.

    Raises:
        sqlalchemy.exc.DBAPIError: as SQLAlchemy would have raised it; values are not in it.
    """
    try:
        _driver(connection).executemany(statement, rows)
    except sqlite3.Error as error:
        raise _translated(statement, error) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _translated(statement: str, error: sqlite3.Error) -> BaseException:
    return DBAPIError.instance(statement, None, error, sqlite3.Error, hide_parameters=True)
