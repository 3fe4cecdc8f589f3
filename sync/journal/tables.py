"""What the journal itself keeps in a branch's database; importing it adds the tables to `METADATA`."""

from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, Table, Text

from sync.records.tables import METADATA, captured


class Removal(StrEnum):
    """Why a row is no longer at the branch. HQ does a different thing for each."""

    DELETED = "DELETED"
    """It should not have been: HQ removes its own."""
    ERASED = "ERASED"
    """A person asked for it, or what is personal in it was kept for long enough: HQ removes its own, and its
    tombstone says why."""
    PRUNED = "PRUNED"
    """The branch keeps less history than HQ: HQ keeps its own."""


TOMBSTONES = captured(
    Table(
        "tombstones",
        METADATA,
        Column("site_id", Text, primary_key=True),
        Column("stream", Text, primary_key=True),
        Column("row_key", Text, primary_key=True),
        Column("removal", Text, nullable=False),
        Column("business_date", Text, nullable=False),
        Column("rev", BigInteger, nullable=False),
        CheckConstraint(
            f"removal IN ({', '.join(repr(str(each)) for each in Removal)})", name="tombstones_removal_check"
        ),
        sqlite_with_rowid=False,
    )
)
"""One for each removed row: `row_key` is the key's values as a JSON array."""

Index("tombstones_business_date", TOMBSTONES.c.business_date)

EPOCHS = Table(
    "epochs",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("instance", Text, nullable=False),
    Column("began_utc_us", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""One life of this database each: a restored or copied one begins a new epoch, in which
every row counts as newer than in the one before. `instance` tells one PostgreSQL from another."""

WATERMARKS = Table(
    "watermarks",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("xid", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""How far HQ has each stream, with the nonce that HQ gave for it: the proof, at the next
meeting, that this database is the one that HQ spoke to."""

CERTIFIED_DAYS = Table(
    "certified_days",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("business_date", Text, primary_key=True),
    Column("issue", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("certified_utc_us", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Days that HQ holds completely; only these may be pruned here."""
