"""HQ's tables: the branches' own under the same names and keys, and HQ's beside them.

`epoch` and `rev` of a row are its branch's: a row is replaced only by one that is newer by
both. No clock decides anything.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, MetaData, Table, Text

from sync.records.tables import CONSOLIDATED

METADATA = MetaData()


class SiteState(StrEnum):
    """Whether HQ takes a site's journal."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    """Nothing is pulled until a person has looked at it."""
    READMITTED = "READMITTED"
    """A person has: everything will be read again, in a new epoch."""


class DayState(StrEnum):
    """How far a site's business day is."""

    DUE = "DUE"
    """Not certified, or changed since."""
    CERTIFIED = "CERTIFIED"


class QuarantineReason(StrEnum):
    """Why a row does not stand in its table."""

    REFUSED = "REFUSED"
    """The database, or a column's type, did not take it."""
    ORPHANED_BY_RESTORE = "ORPHANED_BY_RESTORE"
    """Only HQ had it: its branch went back to a time before it."""


def _own(name: str, *parts: Column[Any] | Index, **choices: type[StrEnum]) -> Table:
    """A table of HQ's; enums, named in `choices`, have a check."""
    checks = (
        CheckConstraint(
            f"{column} IN ({', '.join(repr(str(value)) for value in values)})", name=f"{name}_{column}_check"
        )
        for column, values in choices.items()
    )
    return Table(name, METADATA, *parts, *checks, sqlite_with_rowid=False)


def _received(name: str) -> Table:
    (shape,) = (each for each in CONSOLIDATED if each.name == name)
    table = shape.table(METADATA, Column("epoch", BigInteger, nullable=False))
    Index(f"{name}_day", table.c.site_id, table.c.business_date)
    return table


RECEIVED: Mapping[str, Table] = {shape.name: _received(shape.name) for shape in CONSOLIDATED}
"""The branches' tables, by stream."""

for _name in ("call_id", "handoff_id"):
    # Folding the calls and hand-offs of a day again needs all their rows, whatever the day.
    Index(f"ledger_{_name}", RECEIVED["ledger"].c.site_id, RECEIVED["ledger"].c[_name])

SITES = _own(
    "sites",
    Column("site_id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("parent", Text),
    Column("state", Text, nullable=False),
    Column("frozen_reason", Text),
    Column("frozen_detail", Text),
    Column("epoch", BigInteger, nullable=False),
    Column("first_business_date", Text, nullable=False),
    Column("last_success_utc_us", BigInteger),
    state=SiteState,
)
"""The site tree. `epoch` 0: HQ and the branch have not met. Days before
`first_business_date` are not asked for; rows of an earlier one move it."""

WATERMARKS = _own(
    "watermarks",
    Column("site_id", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("marks", LargeBinary, nullable=False),
    Column("row_count", BigInteger, nullable=False),
)
"""How far HQ has each stream. `marks` is msgpack: the last few confirmations that HQ gave,
the newest last; `row_count` counts rows and tombstones ever taken."""

TOMBSTONES = _own(
    "tombstones",
    Column("site_id", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("removal", Text, nullable=False),
    Column("business_date", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Index("tombstones_day", "site_id", "business_date"),
)

QUARANTINE = _own(
    "quarantine",
    Column("site_id", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("row_key", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("business_date", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("packed_row", LargeBinary, nullable=False),
    Column("at_utc_us", BigInteger, nullable=False),
    Index("quarantine_day", "site_id", "business_date"),
    reason=QuarantineReason,
)
"""Rows that HQ holds outside of their table, whole: `packed_row` is msgpack of the values
as they came, in the order of the stream's columns, without rev."""

BUSINESS_DAYS = _own(
    "business_days",
    Column("site_id", Text, primary_key=True),
    Column("business_date", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("issue", BigInteger, nullable=False),
    Column("attempt_count", BigInteger, nullable=False),
    Column("last_attempt_utc_us", BigInteger),
    Column("last_problem", Text),
    Index("business_days_state", "state", "business_date"),
    state=DayState,
)
"""One for each day of each site that has ended, or was asked for. `issue` numbers its
last certificate; 0 before the first."""

CERTIFICATES = _own(
    "certificates",
    Column("site_id", Text, primary_key=True),
    Column("business_date", Text, primary_key=True),
    Column("issue", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("quarantined_count", BigInteger, nullable=False),
    Column("folded_count", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("stream_counts", Text, nullable=False),
    Column("is_day_over", Boolean, nullable=False),
    Column("certified_utc_us", BigInteger, nullable=False),
)
"""Proof that HQ held what the branch held. `folded_count` records were folded from the
ledger once more and found equal; `stream_counts` is JSON, for people."""
