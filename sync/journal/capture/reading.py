"""Reads a branch's changes and proofs; writes nothing, and holds no transaction between pages."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, Table, func, select

from sync.journal.batch import Packing, Payload, Tombstone
from sync.journal.capture.order import CommitOrder
from sync.journal.database import snapshot
from sync.journal.digest import DigestSum, StreamDigest, bucket_of
from sync.journal.position import Position
from sync.journal.tables import TOMBSTONES
from sync.records.shape import ConsolidatedTable

_PAGED = {"yield_per": 2_000}
"""Rows come in pages, so that memory stays flat; for this statement alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The next rows of a stream."""

    hi: Position
    payload: Payload
    is_last: bool
    """Nothing readable was left behind it when it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayDigest:
    """Everything the branch holds of a day, from one snapshot."""

    end: Position
    """The journal's end in the snapshot."""
    is_settled: bool
    """False: transactions are open whose rows of this day may not be read yet."""
    streams: Mapping[str, StreamDigest]


class JournalReader:
    """One site's journal, in whichever database."""

    def __init__(
        self,
        engine: Engine,
        order: CommitOrder,
        site_id: str,
        shapes: Sequence[ConsolidatedTable],
        tables: Mapping[str, Table],
    ) -> None:
        self._engine = engine
        self._order = order
        self._site_id = site_id
        self._shapes = {shape.name: shape for shape in shapes}
        self._tables = tables
        self._extra = len(order.columns(TOMBSTONES))
        """Columns behind rev that only tell a row's position."""

    @property
    def shapes(self) -> Mapping[str, ConsolidatedTable]:
        """The streams, by name, in their order."""
        return self._shapes

    def end(self) -> Position:
        """How far the journal can be read now."""
        with snapshot(self._engine) as connection:
            return self._order.end(connection, self._site_id)

    def pending_count(self, stream: str, lo: Position, to: Position) -> int:
        """Rows and tombstones above `lo` up to `to`."""
        with snapshot(self._engine) as connection:
            return sum(
                connection.execute(
                    found.with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
                ).scalar_one()
                for found in (self._rows_after(stream, lo, to), self._tombstones_after(stream, lo, to))
            )

    def page(
        self, stream: str, lo: Position, to: Position, *, row_limit: int, byte_limit: int
    ) -> Page | None:
        """The next rows and tombstones above `lo`, or None when there are none up to `to`.

        Ends before `byte_limit` bytes of msgpack are passed, but holds at least one row.
        """
        with snapshot(self._engine) as connection:
            rows = connection.execute(self._rows_after(stream, lo, to).limit(row_limit)).all()
            tombstones = connection.execute(self._tombstones_after(stream, lo, to).limit(row_limit)).all()
        is_whole = len(rows) < row_limit and len(tombstones) < row_limit
        packing, last = Packing(), None
        for row, is_tombstone in self._in_order(rows, tombstones):
            if packing.count >= row_limit or packing.byte_count >= byte_limit:
                is_whole = False
                break
            if is_tombstone:
                packing.add_tombstone(Tombstone._make(row[:4]))
            else:
                packing.add_row(tuple(row[: len(row) - self._extra]))
            last = row
        if last is None:
            return None
        return Page(hi=self._order.position(last), payload=packing.payload(), is_last=is_whole)

    def day(self, business_date: str) -> DayDigest:
        """The day's digests over all streams."""
        with snapshot(self._engine) as connection:
            return DayDigest(
                end=self._order.end(connection, self._site_id),
                is_settled=not any(
                    self._is_unsettled(connection, name, business_date) for name in self._shapes
                ),
                streams={name: self._digest(connection, name, business_date) for name in self._shapes},
            )

    def bucket(self, stream: str, business_date: str, bucket: int, *, part_rows: int) -> Iterator[Payload]:
        """All rows of a bucket with their revs, in parts; at least one part, which may be empty."""
        key_size = len(self._shapes[stream].key)
        table = self._tables[stream]
        packing = Packing()
        with snapshot(self._engine) as connection:
            found = self._of_day(stream, business_date).add_columns(table.c.rev)
            for row in connection.execute(found, execution_options=_PAGED):
                if bucket_of(row[:key_size]) != bucket:
                    continue
                if packing.row_count == part_rows:
                    yield packing.payload()
                    packing = Packing()
                packing.add_row(tuple(row))
        yield packing.payload()

    def _rows_after(self, stream: str, lo: Position, to: Position) -> Select[Any]:
        table = self._tables[stream]
        columns = [table.c[field.name] for field in self._shapes[stream].fields]
        found = select(*columns, table.c.rev, *self._order.columns(table))
        return found.where(self._order.between(table, lo, to)).order_by(*self._order.sorting(table))

    def _tombstones_after(self, stream: str, lo: Position, to: Position) -> Select[Any]:
        table = TOMBSTONES
        columns = (table.c.row_key, table.c.removal, table.c.business_date, table.c.rev)
        found = select(*columns, *self._order.columns(table)).where(table.c.stream == stream)
        return found.where(self._order.between(table, lo, to)).order_by(*self._order.sorting(table))

    def _in_order(
        self, rows: Sequence[Row[Any]], tombstones: Sequence[Row[Any]]
    ) -> Iterator[tuple[Row[Any], bool]]:
        """By position, each with whether it is a tombstone; most pages hold none."""
        marked = ((row, False) for row in rows)
        if not tombstones:
            return marked
        buried = ((row, True) for row in tombstones)
        return heapq.merge(marked, buried, key=lambda each: self._order.position(each[0]))

    def _of_day(self, stream: str, business_date: str) -> Select[Any]:
        table = self._tables[stream]
        columns = [table.c[field.name] for field in self._shapes[stream].fields]
        return select(*columns).where(table.c.business_date == business_date)

    def _is_unsettled(self, connection: Connection, stream: str, business_date: str) -> bool:
        unsettled = self._order.unsettled(self._tables[stream])
        if unsettled is None:
            return False
        found = self._of_day(stream, business_date).where(unsettled).limit(1)
        return connection.execute(found).first() is not None

    def _digest(self, connection: Connection, stream: str, business_date: str) -> StreamDigest:
        total = DigestSum(self._shapes[stream])
        rows = connection.execute(self._of_day(stream, business_date), execution_options=_PAGED)
        total.add(rows)
        return total.result()
