"""A site's journal, opened for HQ to pull."""

from dataclasses import dataclass

from sync.clock import Clock
from sync.journal.capture.choice import commit_order
from sync.journal.capture.keeping import JournalKeeper
from sync.journal.capture.reading import JournalReader
from sync.journal.database import open_database
from sync.records.tables import CONSOLIDATED, METADATA


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteJournal:
    """What a conversation with HQ needs of its site."""

    site_id: str
    time_zone: str
    """IANA name; HQ checks it against its own."""
    clock: Clock
    reader: JournalReader
    keeper: JournalKeeper


def open_journal(url: str, site_id: str, time_zone: str, clock: Clock) -> SiteJournal:
    """The journal in the branch's database, over connections of its own; blocks while it opens.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be read or has not been made.
    """
    engine = open_database(url, connection_limit=2)
    order = commit_order(engine)
    tables = {shape.name: METADATA.tables[shape.name] for shape in CONSOLIDATED}
    keeper = JournalKeeper(engine, order, site_id)
    keeper.open(clock.utc_us())
    return SiteJournal(
        site_id=site_id,
        time_zone=time_zone,
        clock=clock,
        reader=JournalReader(engine, order, site_id, CONSOLIDATED, tables),
        keeper=keeper,
    )
