"""A batch before its transaction: its payload checked and read, its values held against their columns.

Nothing here touches the database: the next batch is opened while the one before it is committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sync.journal.batch import BadPayloadError, Batch, Row, Tombstone, unpack
from sync.journal.receiving.agreement import fits
from sync.journal.tables import Removal
from sync.records.shape import ConsolidatedTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A batch, and what is in it."""

    batch: Batch
    rows: Sequence[Row] = ()
    tombstones: Sequence[Tombstone] = ()
    days: frozenset[str] = frozenset()
    """The business days whose rows changed; what a branch only pruned has not."""
    fits: bool = False
    """Every value is of its column's type, and every row of the site. Else each has to be looked at."""
    problem: str | None = None
    """The payload is not what its digest and counts promise; goes into the nack."""


def opened(site_id: str, shape: ConsolidatedTable, batch: Batch) -> Opened:
    """Open a site's batch of one stream, whatever is in it."""
    try:
        rows, tombstones = unpack(batch.payload)
    except BadPayloadError as error:
        return Opened(batch=batch, problem=error.reason)
    return Opened(
        batch=batch,
        rows=rows,
        tombstones=tombstones,
        days=_days(rows, tombstones),
        fits=misfit(site_id, shape, rows) is None,
    )


def misfit(site_id: str, shape: ConsolidatedTable, rows: Sequence[Row]) -> str | None:
    """What is wrong with some of these rows before any table has seen them."""
    if not fits(shape, rows):
        return "a value is not of its column's type"
    if any(row[0] != site_id for row in rows):
        return "a row of another site"
    return None


def _days(rows: Sequence[Row], tombstones: Iterable[Tombstone]) -> frozenset[str]:
    named = {row[-2] for row in rows}
    named |= {each.business_date for each in tombstones if each.removal != Removal.PRUNED}
    return frozenset(day for day in named if isinstance(day, str) and _is_date(day))


def _is_date(text: str) -> bool:
    """A refused row may hold anything there."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
