"""The database a branch keeps its records in: a SQLite file, or PostgreSQL by its URL.

SQLite runs in WAL mode with synchronous=FULL: a commit is on the disk when it returns, and
readers never wait for the writer. Transactions that write begin IMMEDIATE, so that two
processes take turns instead of failing in the middle.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from sync.journal.database import open_database

BUSY_LIMIT_MS = 2_000
"""SQLite: how long a commit waits for another process's turn, before its rows are kept in memory."""

WAL_LIMIT_BYTES = 16 * 1024 * 1024
"""SQLite: what the WAL keeps of the disk once a backlog has made it larger."""

UNAVAILABLE = (OperationalError, InterfaceError)
"""The database cannot be written now: full, locked, away. It may be later, so we retry."""

_SQLITE_IOERR = 10
_SQLITE_FULL = 13


class UnknownDatabaseError(ValueError):
    """The URL names no database that a branch can use."""

    def __init__(self, shown_url: str) -> None:
        super().__init__(
            f"{shown_url!r} is no database for a branch; "
            "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        )


def open_engine(url: str) -> Engine:
    """An engine for `url`; nothing is connected yet.

    Raises:
        UnknownDatabaseError: it is neither SQLite's with a file nor PostgreSQL's.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text may hold a password, so it is not shown.
        raise UnknownDatabaseError("the database's url") from None
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return open_database(
            parsed.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        )
    if backend != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise UnknownDatabaseError(parsed.render_as_string())
    engine = open_database(url)
    event.listen(engine, "connect", _prepare)
    return engine


def sqlite_file(engine: Engine) -> Path | None:
    """The database's file; None when it is PostgreSQL's."""
    database = engine.url.database
    return Path(database) if engine.dialect.name == "sqlite" and database else None


def is_disk_full(error: DBAPIError) -> bool:
    """True when room on a disk may be all that is missing.

    SQLite says FULL for the database and the WAL, and an I/O error for its shared index.
    """
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (_SQLITE_FULL, _SQLITE_IOERR)
    # PostgreSQL's class 53: insufficient resources.
    return (getattr(error.orig, "sqlstate", None) or "").startswith("53")


def _prepare(connection: Any, _record: object) -> None:
    for pragma in (f"busy_timeout = {BUSY_LIMIT_MS}", f"journal_size_limit = {WAL_LIMIT_BYTES}"):
        connection.execute(f"PRAGMA {pragma}").close()
