"""Opens the database a branch keeps its records in: a SQLite file, or PostgreSQL by its URL.

SQLite runs in WAL mode with synchronous=FULL: a commit is on the disk when it returns, and
readers never wait for the writer. Transactions that write begin IMMEDIATE, so that two
processes take turns instead of failing in the middle.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

SQLITE_BUSY_LIMIT_MS = 5_000
"""How long a command waits for the running branch's commit, or the other way round."""

POSTGRES_OPTIONS = "-c idle_in_transaction_session_timeout=10000 -c timezone=UTC"
"""A forgotten transaction would hold back the horizon below which the journal may read."""

UNAVAILABLE = (OperationalError, InterfaceError)
"""The database cannot be written now: full, locked, away. It may be later, so we retry."""

_BEGIN = "trunkline_begin"


class UnknownDatabaseError(ValueError):
    """The URL names a database that a branch cannot use."""


def open_engine(url: str) -> Engine:
    """An engine for `url`; nothing is connected yet.

    Raises:
        UnknownDatabaseError: neither `sqlite:///FILE` nor `postgresql://...`.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            connect_args={"options": POSTGRES_OPTIONS},
            pool_pre_ping=True,
        )
    raise UnknownDatabaseError(
        f"{parsed.render_as_string()!r} is no database for a branch; "
        "write sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
    )


def writing(engine: Engine) -> Engine:
    """The same database for transactions that write from their start."""
    return engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})


def sqlite_file(engine: Engine) -> Path | None:
    """The database's file; None when it is PostgreSQL's."""
    if engine.dialect.name != "sqlite" or engine.url.database is None:
        return None
    return Path(engine.url.database)


def is_disk_full(error: DBAPIError) -> bool:
    """True when room on a disk may be all that is missing.

    SQLite says FULL for the database and the WAL, and an I/O error for its shared index.
    """
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in (_SQLITE_FULL, _SQLITE_IOERR)
    # PostgreSQL's class 53: insufficient resources.
    return (getattr(error.orig, "sqlstate", None) or "").startswith("53")


_SQLITE_IOERR = 10
_SQLITE_FULL = 13


def _open_sqlite(url: URL) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # The driver begins no transactions of its own: `begin` below does.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={SQLITE_BUSY_LIMIT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))

    return engine
