"""A branch's store: opened, migrated, picked up where the last process left it, and written to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, select

from branch.store import ledger_reader
from branch.store.agent_places import AgentPlaces
from branch.store.ballast import Ballast, MissingRoom
from branch.store.committer import Commit, Committer, Standing
from branch.store.contact_notes import ContactNotes
from branch.store.customers import Customers
from branch.store.engine import open_engine, sqlite_file
from branch.store.health import Health, HealthPolicy
from branch.store.people import People
from branch.store.queues import QueuePolicies
from branch.store.recordings import KeptRecordings
from branch.store.return_visits import ReturnVisits
from branch.store.schema import migrate
from branch.store.site_database import SiteDatabase
from branch.store.statements import upsert_rows
from branch.store.voicemails import Voicemails
from branch.store.writer import LedgerWriter, StoreListener
from router.ids import CallId, SiteId
from router.ledger import LedgerRow
from router.records.fold import RecordFold
from sync.clock import Clock, SystemClock
from sync.records.business_day import BusinessCalendar
from sync.records.tables import CALLERS, INCARNATIONS

BALLAST_BYTES = 64 * 1024 * 1024
"""Some 100,000 rows of the ledger with all that derives from them: half a day of a busy site."""

_PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where the ledger stands before this process writes to it."""

    incarnation: int
    last_seq: int
    fold: RecordFold
    """Knows what is open: `fold.open_work(now)`. The writer owns it from its start on."""


class Store:
    """One site's database. What is not on the writer blocks: call it from commands and threads."""

    def __init__(self, engine: Engine, site_id: SiteId, calendar: BusinessCalendar, clock: Clock) -> None:
        self.engine = engine
        self.site_id = site_id
        self.database = SiteDatabase(engine, site_id, calendar, clock)
        self.people = People(self.database)
        self.agent_places = AgentPlaces(self.database)
        self.contact_notes = ContactNotes(self.database)
        self.customers = Customers(self.database)
        self.queues = QueuePolicies(self.database)
        self.recordings = KeptRecordings(self.database)
        self.return_visits = ReturnVisits(self.database)
        self.voicemails = Voicemails(self.database)
        self._ballast: Ballast | None = None
        """Once a writer was started, beside a SQLite file."""

    def pick_up(self) -> Start:
        """Begin a new incarnation; durable when this returns."""
        return Start(incarnation=self._begin_incarnation(), last_seq=self.last_seq(), fold=self._open_fold())

    def last_seq(self) -> int:
        """The seq of the ledger's last row; 0 when it is empty."""
        with self.database.reading() as connection:
            return ledger_reader.last_seq(connection, self.site_id)

    def day_rows(self, business_date: str) -> Iterator[LedgerRow]:
        """The ledger's rows of one business day, in the order of seq.

        Read in pages of a transaction each: a long reader would keep SQLite's WAL from shrinking.
        """
        after_seq = 0
        while True:
            with self.database.reading() as connection:
                page = ledger_reader.day_page(
                    connection, self.site_id, business_date, after_seq=after_seq, row_limit=_PAGE_ROWS
                )
            yield from page
            if len(page) < _PAGE_ROWS:
                return
            after_seq = page[-1].seq

    def call_rows(self, call_id: CallId) -> Sequence[LedgerRow]:
        """The ledger's rows about one call, in the order of seq; none for a call never heard of."""
        with self.database.reading() as connection:
            return ledger_reader.call_rows(connection, self.site_id, call_id)

    def caller_number(self, call_id: CallId) -> str | None:
        """The number of who called in, or was called by, this call; None when withheld or erased."""
        query = select(CALLERS.c.number).where(
            CALLERS.c.site_id == self.site_id, CALLERS.c.call_id == call_id
        )
        with self.database.reading() as connection:
            number: str | None = connection.execute(query).scalar()
            return number

    def start_writer(
        self,
        start: Start,
        listener: StoreListener,
        *,
        policy: HealthPolicy | None = None,
        ballast_bytes: int = BALLAST_BYTES,
    ) -> LedgerWriter:
        """Begin to write, from the running event loop; `listener` hears on it.

        Ballast is kept beside a SQLite file; PostgreSQL's disk is its server's affair.
        """
        self._ballast = ballast = self._ballast_of(ballast_bytes)

        def make(tell: Callable[[Commit | Standing], None]) -> Committer:
            return Committer(
                engine=self.engine,
                site_id=self.site_id,
                fold=start.fold,
                clock=SystemClock(),
                health=Health(policy or HealthPolicy()),
                ballast=ballast,
                tell=tell,
            )

        return LedgerWriter(make, last_seq=start.last_seq, listener=listener)

    def missing_room(self) -> MissingRoom | None:
        """What the disk lacks before the ballast is made anew; None while it is there, or without any."""
        return None if self._ballast is None else self._ballast.missing_room()

    def close(self) -> None:
        """Close all connections; close the writer first."""
        self.engine.dispose()

    def _ballast_of(self, size_bytes: int) -> Ballast | None:
        file = sqlite_file(self.engine)
        return None if file is None else Ballast(file.with_name(f"{file.name}.ballast"), size_bytes)

    def _begin_incarnation(self) -> int:
        """Above every one this database has seen, and above those of disks restored meanwhile."""
        query = select(INCARNATIONS.c.incarnation).where(INCARNATIONS.c.site_id == self.site_id)
        with self.database.writing() as connection:
            last: int = connection.execute(query).scalar() or 0
            incarnation = max(last + 1, self.database.clock.utc_us() // 1_000)
            upsert_rows(connection, INCARNATIONS, [{"site_id": self.site_id, "incarnation": incarnation}])
        return incarnation

    def _open_fold(self) -> RecordFold:
        with self.database.reading() as connection:
            return ledger_reader.open_fold(connection, self.site_id)


def open_store(url: str, *, site_id: SiteId, calendar: BusinessCalendar, clock: Clock) -> Store:
    """Open a site's database and bring its schema up to date; it is made where there is none.

    `clock` is the one the ledger is stamped with.

    Raises:
        UnknownDatabaseError: the URL names none that a branch can use.
        NewerSchemaError: a newer version of the program has written it.
        sqlalchemy.exc.OperationalError: it cannot be reached, or not be written.
    """
    engine = open_engine(url)
    try:
        migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, site_id, calendar, clock)
