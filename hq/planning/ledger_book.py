"""One's own ledger, opened to be read: a branch's database or HQ's, SQLite or PostgreSQL.

Both keep calls, sessions and the ledger under the same names, so that what is asked of one
can be asked of the other; HQ's knows all sites. Nothing is written, not even a journal of SQLite's.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Table, create_engine, func, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from hq.store.tables import SITES
from node.troubles import TroubleError
from node.words import text as _
from router.ids import SiteId
from sync.journal.database import open_database, snapshot
from sync.records.derived import TABLES, SiteRecord, read_record
from sync.records.tables import CALLS, LEDGER, QUEUE_POLICIES

R = TypeVar("R", bound=SiteRecord)

_PAGED = {"yield_per": 2_000}
"""Rows come in pages, so that memory stays flat."""


class BadLedgerError(TroubleError):
    """The database can't be read as a ledger, or does not hold what was asked for."""

    reason = "LEDGER_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBook:
    """A database at one moment."""

    name: str
    """As people wrote it, without a password."""
    is_hq: bool
    connection: Connection

    def sites(self) -> tuple[SiteId, ...]:
        """HQ: all it collects from; a branch: itself."""
        found = select(SITES.c.site_id) if self.is_hq else select(func.min(LEDGER.c.site_id))
        return tuple(SiteId(each) for each in sorted(filter(None, self.connection.execute(found).scalars())))

    def time_zones(self) -> dict[SiteId, str]:
        """Of each site; empty at a branch, whose own file alone knows it."""
        if not self.is_hq:
            return {}
        return {
            SiteId(row.site_id): row.time_zone
            for row in self.connection.execute(select(SITES.c.site_id, SITES.c.time_zone))
        }

    def days(self) -> tuple[str, str] | None:
        """The first and the last business day with calls; None without any."""
        first, last = self.connection.execute(
            select(func.min(CALLS.c.business_date), func.max(CALLS.c.business_date))
        ).one()
        return None if first is None else (first, last)

    def records(self, cls: type[R], day: str) -> list[R]:
        """The records of a kind that belong to a business day, of every site in the book."""
        known: Mapping[Any, Table] = TABLES
        table = known[cls]
        found = select(*_own_columns(table)).where(table.c.business_date == day)
        return [
            read_record(cls, dict(row))
            for row in self.connection.execute(found, execution_options=_PAGED).mappings()
        ]

    def ledger(self, *conditions: Any) -> Iterator[Any]:
        """Rows of the `ledger` table that fit all conditions, a site's in its own order."""
        found = select(*_own_columns(LEDGER)).where(*conditions).order_by(LEDGER.c.site_id, LEDGER.c.seq)
        return iter(self.connection.execute(found, execution_options=_PAGED).mappings())

    def queue_settings(self) -> Sequence[Any]:
        """Site, queue and settings (JSON text) of every queue's policies, in the order of versions."""
        columns = (QUEUE_POLICIES.c.site_id, QUEUE_POLICIES.c.queue_id, QUEUE_POLICIES.c.settings)
        return self.connection.execute(select(*columns).order_by(QUEUE_POLICIES.c.version)).all()


@contextmanager
def open_book(where: str) -> Iterator[LedgerBook]:
    """The database `where`: a SQLite file, or sqlite:///FILE, or postgresql://USER@HOST/NAME.

    Raises:
        BadLedgerError: there is none, or it keeps no ledger.
    """
    engine, name = _engine(where)
    try:
        with snapshot(engine) as connection:
            tables = set(inspect(connection).get_table_names())
            if not {LEDGER.name, CALLS.name} <= tables:
                raise BadLedgerError(
                    _(
                        "{database} keeps no ledger; give a branch's database ([database] in its file says"
                        " which) or HQ's",
                        database=name,
                    )
                )
            yield LedgerBook(name=name, is_hq=SITES.name in tables, connection=connection)
    except DBAPIError as error:
        raise BadLedgerError(
            _(
                "{database} can't be read: {problem}; check that it is a database of this version of"
                " trunkline, and that you may read it",
                database=name,
                problem=str(error.orig).strip(),
            )
        ) from error
    finally:
        engine.dispose()


def _engine(where: str) -> tuple[Engine, str]:
    if "://" not in where:
        return _sqlite(Path(where)), where
    try:
        url = make_url(where)
    except ArgumentError:
        # The text may hold a password, so it is not shown.
        raise BadLedgerError(
            _("the database's URL is not understood; write postgresql://USER@HOST/NAME or a SQLite file")
        ) from None
    if url.get_backend_name() == "sqlite" and url.database:
        return _sqlite(Path(url.database)), where
    if url.get_backend_name() != "postgresql":
        raise BadLedgerError(
            _("{url} is neither PostgreSQL's nor a SQLite file's", url=url.render_as_string())
        )
    psycopg = url.set(drivername="postgresql+psycopg")
    return open_database(psycopg.render_as_string(hide_password=False)), url.render_as_string()


def _sqlite(file: Path) -> Engine:
    if not file.is_file():
        raise BadLedgerError(
            _(
                "there is no database {file}; check the path ([database] url in the site's file says where it"
                " lies)",
                file=file,
            )
        )
    return create_engine(f"sqlite:///file:{quote(str(file.absolute()))}?mode=ro&uri=true")


def _own_columns(table: Table) -> list[Any]:
    """Those that a branch and HQ have alike."""
    return [column for column in table.columns if column.name not in ("rev", "xid", "epoch")]
