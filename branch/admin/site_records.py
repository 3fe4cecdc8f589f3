"""A site's database, opened by its file for one command; the branch may be running meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from branch import parts
from branch.settings import BranchSettings
from branch.store import schema
from branch.store.agent_places import AgentPlaces
from branch.store.customers import Customers
from branch.store.engine import UnknownDatabaseError, open_engine
from branch.store.people import People
from branch.store.queues import QueuePolicies
from branch.store.return_visits import ReturnVisits
from branch.store.site_database import SiteDatabase
from node.settings import load
from node.troubles import TroubleError
from node.words import text as _
from router.ids import SiteId
from sync.records.business_day import BusinessCalendar


class DatabaseTroubleError(TroubleError):
    """The site's database cannot be used as it is."""

    reason = "DATABASE_UNUSABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteRecords:
    """What commands read and change."""

    settings: BranchSettings
    people: People
    agent_places: AgentPlaces
    customers: Customers
    queues: QueuePolicies
    return_visits: ReturnVisits
    database: SiteDatabase

    @property
    def site_id(self) -> SiteId:
        return SiteId(self.settings.site.id)

    def utc_us(self) -> int:
        """Now, on the clock that the site's ledger is stamped with."""
        return self.database.clock.utc_us()

    def today(self) -> str:
        """The site's business day."""
        return self.database.today()


@contextmanager
def open_site(file: Path) -> Iterator[SiteRecords]:
    """The records of the site with this file.

    Raises:
        SettingsError: the file has faults.
        DatabaseTroubleError: there is no usable database where it says.
    """
    settings = load(BranchSettings, file, os.environ)
    with open_records(settings) as records:
        yield records


@contextmanager
def open_records(settings: BranchSettings) -> Iterator[SiteRecords]:
    """The same for settings that are read already. An empty database is given its tables.

    Raises:
        DatabaseTroubleError: there is no usable database where they say.
    """
    try:
        engine = open_engine(settings.database.url.get_secret_value())
    except UnknownDatabaseError as error:
        raise DatabaseTroubleError(str(error)) from None
    try:
        with _told_as_trouble(engine):
            _check_schema(engine)
            database = SiteDatabase(
                engine,
                SiteId(settings.site.id),
                BusinessCalendar(settings.site.time_zone),
                parts.clock(settings.clock),
            )
            yield SiteRecords(
                settings=settings,
                people=People(database),
                agent_places=AgentPlaces(database),
                customers=Customers(database),
                queues=QueuePolicies(database),
                return_visits=ReturnVisits(database),
                database=database,
            )
    finally:
        engine.dispose()


@contextmanager
def _told_as_trouble(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise DatabaseTroubleError(
            _(
                "the database {url} cannot be used: {reason}",
                url=engine.url.render_as_string(),
                reason=error.orig,
            )
        ) from None


def _check_schema(engine: Engine) -> None:
    """A branch that runs must not have its tables changed under it by a newer command."""
    with engine.connect() as connection:
        found = schema.version_of(connection)
    if found is None:
        schema.migrate(engine)
    elif found != schema.needed_version():
        raise DatabaseTroubleError(
            _(
                "the database has schema {found}, this version of trunkline needs {needed}; "
                "start the branch with this version first",
                found=found,
                needed=schema.needed_version(),
            )
        )
