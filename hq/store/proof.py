"""Reads back what HQ holds of a day, typed value by typed value, and mends what differs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, select

from hq.store import quarantine
from hq.store.applying import load_rows
from hq.store.quarantine import Refused
from hq.store.tables import QUARANTINE, RECEIVED, TOMBSTONES, QuarantineReason
from sync.journal.batch import Row
from sync.journal.capture.keeping import row_key
from sync.journal.database import snapshot, writing
from sync.journal.digest import DigestSum, StreamDigest, bucket_of, rows_in_bucket
from sync.journal.tables import Removal
from sync.records.shape import ConsolidatedTable

_PAGED = {"yield_per": 2_000}
"""Rows come in pages, so that memory stays flat; for this statement alone."""


class Proof:
    """HQ's side of the comparison."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def digests(
        self, site_id: str, business_date: str, shapes: Mapping[str, ConsolidatedTable]
    ) -> dict[str, StreamDigest]:
        """What HQ holds of a day, quarantined rows included; rows that the branch only pruned are not."""
        with snapshot(self._engine) as connection:
            return {
                name: _digest(connection, site_id, business_date, shape) for name, shape in shapes.items()
            }

    def quarantined_count(self, site_id: str, business_date: str) -> int:
        """Rows of a day that HQ holds outside of their tables."""
        with snapshot(self._engine) as connection:
            return quarantine.count(connection, site_id, business_date=business_date)

    def repair(
        self,
        site_id: str,
        business_date: str,
        shape: ConsolidatedTable,
        bucket: int,
        rows: Sequence[Row],
        *,
        epoch: int,
        utc_us: int,
    ) -> int:
        """Make a bucket what the branch says it is, in one transaction; returns how many rows differed.

        What only HQ had is put away as orphaned, never deleted.
        """
        table = RECEIVED[shape.name]
        size = len(shape.key)
        theirs = {row[:size]: row for row in rows}
        with writing(self._engine) as connection:
            ours = {
                row[:size]: row
                for row in _bucket_rows(connection, table, shape, site_id, business_date, bucket)
            }
            differing = [key for key, row in ours.items() if theirs.get(key) != row]
            _forget_refused(connection, site_id, shape, business_date, bucket)
            for key in differing:
                if key not in theirs:
                    orphan = Refused(row=ours[key], problem="only HQ had it")
                    reason = QuarantineReason.ORPHANED_BY_RESTORE
                    quarantine.put_away(
                        connection, site_id, shape, orphan, reason, epoch=epoch, utc_us=utc_us
                    )
                connection.execute(delete(table).where(*_is_key(table, shape, key)))
            missing = [row for key, row in theirs.items() if ours.get(key) != row]
            load_rows(connection, site_id, shape, missing, epoch=epoch, utc_us=utc_us)
        return len({*differing, *(row[:size] for row in missing)})


def _digest(
    connection: Connection, site_id: str, business_date: str, shape: ConsolidatedTable
) -> StreamDigest:
    total = DigestSum(shape)
    pruned = _pruned(connection, site_id, shape.name, business_date)
    size = len(shape.key)
    rows = _rows(connection, RECEIVED[shape.name], shape, site_id, business_date)
    total.add(row[:-1] for row in rows if not pruned or row_key(row[:size]) not in pruned)
    total.add(quarantine.rows_of_day(connection, site_id, shape.name, business_date))
    return total.result()


def _rows(
    connection: Connection, table: Table, shape: ConsolidatedTable, site_id: str, business_date: str
) -> Iterator[Row]:
    """Values in the order of `shape.fields`, rev last."""
    columns = [table.c[field.name] for field in shape.fields]
    found = select(*columns, table.c.rev).where(
        table.c.site_id == site_id, table.c.business_date == business_date
    )
    for row in connection.execute(found, execution_options=_PAGED):
        yield tuple(row)


def _bucket_rows(
    connection: Connection,
    table: Table,
    shape: ConsolidatedTable,
    site_id: str,
    business_date: str,
    bucket: int,
) -> list[Row]:
    rows = _rows(connection, table, shape, site_id, business_date)
    return [tuple(row) for row in rows_in_bucket(shape, rows, bucket)]


def _pruned(connection: Connection, site_id: str, stream: str, business_date: str) -> set[str]:
    found = select(TOMBSTONES.c.row_key).where(
        TOMBSTONES.c.site_id == site_id,
        TOMBSTONES.c.stream == stream,
        TOMBSTONES.c.business_date == business_date,
        TOMBSTONES.c.removal == str(Removal.PRUNED),
    )
    return set(connection.execute(found).scalars())


def _forget_refused(
    connection: Connection, site_id: str, shape: ConsolidatedTable, business_date: str, bucket: int
) -> None:
    """The branch's rows come anew: those still refused are put away again."""
    size = len(shape.key)
    for row in quarantine.rows_of_day(connection, site_id, shape.name, business_date):
        if bucket_of(row[:size]) == bucket:
            connection.execute(
                delete(QUARANTINE).where(
                    QUARANTINE.c.site_id == site_id,
                    QUARANTINE.c.stream == shape.name,
                    QUARANTINE.c.row_key == row_key(row[:size]),
                )
            )


def _is_key(table: Table, shape: ConsolidatedTable, key: Sequence[Any]) -> list[Any]:
    return [table.c[field.name] == value for field, value in zip(shape.key, key, strict=True)]
