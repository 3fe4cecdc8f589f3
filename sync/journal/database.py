"""Connections for the journal's work: snapshots to read from, transactions to write in.

The same on SQLite and PostgreSQL, at a branch and at HQ. Nothing here is for the call
path: a branch's store has connections of its own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from sync.records.plain import execute_plain

BUSY_LIMIT_MS = 30_000
"""SQLite: writers take turns, and the longest turn is one batch of consolidation."""

IDLE_IN_TRANSACTION_LIMIT_MS = 60_000
"""PostgreSQL: a transaction that somebody forgot would hold back every branch's journal."""

_BEGIN = "trunkline_sqlite_begin"


def open_database(url: str, *, connection_limit: int = 5) -> Engine:
    """Connections to a SQLite file or a PostgreSQL database; opened when first used.

    An error's text names the statement and not its values: it is logged, and they are callers'.

    Raises:
        sqlalchemy.exc.ArgumentError: it is no database's URL.
    """
    if make_url(url).get_backend_name() == "sqlite":
        engine = create_engine(url, pool_size=connection_limit, hide_parameters=True)
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_LIMIT_MS}"
    # A database that was restarted in between costs a reconnect, not a failed run.
    return create_engine(
        url,
        pool_size=connection_limit,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": 10},
    )


def is_sqlite(connection: Connection) -> bool:
    """Which of the two this is."""
    return connection.dialect.name == "sqlite"


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Everything read in here is of one moment."""
    with engine.connect() as connection:
        if not is_sqlite(connection):
            connection = connection.execution_options(  # noqa: PLW2901 - the same connection, told how to begin
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        with connection.begin():
            yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes; on SQLite it waits for its turn before it reads anything."""
    with engine.connect() as connection, connection.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}).begin():
        yield connection


def _make_private(
    _dialect: object, _record: object, arguments: list[Any], parameters: dict[str, Any]
) -> None:
    """SQLite makes its files as open as the umask lets it; callers' numbers are in there.

    A file that is there is never opened here: to close any descriptor of it ends every lock this
    process holds on it (POSIX), and the next process to leave takes away the WAL under our feet.
    """
    if parameters.get("uri") or arguments[0] == ":memory:":
        return
    try:
        os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError:
        return  # SQLite is about to say what is wrong there, as it says everything else.


def _prepare_sqlite(dbapi_connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and not before a SELECT.
    dbapi_connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", f"busy_timeout = {BUSY_LIMIT_MS}"):
        dbapi_connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    execute_plain(connection, connection.get_execution_options().get(_BEGIN, "BEGIN"), ())
