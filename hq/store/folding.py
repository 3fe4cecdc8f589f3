"""HQ's records against its own ledger: calls, hand-offs, sessions and states must equal the fold.

A digest proves that HQ holds what the branch holds; the fold proves that what the branch
holds is right.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select

from hq.store.tables import RECEIVED
from router.ledger import LedgerRow
from router.records.fold import Record, RecordFold, RecordKey, key_of
from router.records.handoff_stage import OVER
from sync.journal.database import snapshot
from sync.records.business_day import BusinessCalendar
from sync.records.codec import ledger_row
from sync.records.derived import TABLES, record_values

_PAGED = {"yield_per": 2_000}
"""Rows come in pages, so that memory stays flat; for this statement alone."""
_DIFFERENCES_SHOWN = 5
_OPEN_ENDED = {
    "calls": "ended_utc_us",
    "agent_sessions": "logout_utc_us",
    "agent_states": "to_utc_us",
    "recordings": "ended_utc_us",
    "callbacks": "done_utc_us",
    "outbound_calls": "ended_utc_us",
    "line_loans": "returned_utc_us",
}
_NOT_FOLDED = ("rev", "epoch", "pruned_utc_us", "heard_utc_us", "heard_by")
"""A row's version; and what a site marks on a record long after its day, without a row of the ledger."""

Key = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """What the comparison came to."""

    record_count: int
    differing_count: int
    examples: tuple[str, ...] = field(default=())
    """Some of the differing records, for people."""


class Folding:
    """Folds a day again and compares."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def check(self, site_id: str, business_date: str, calendar: BusinessCalendar) -> FoldResult:
        """Compare the records of a day with the fold of the ledger, both as HQ holds them.

        Reads from the first row of anything that was open when the day began to the end of
        the next day; records still open there are left out, for later rows may change them.

        Raises:
            sync.records.codec.BadRecordError: a ledger row that no version can have written.
        """
        with snapshot(self._engine) as connection:
            begin = _begin(connection, site_id, business_date, calendar)
            if begin is None:
                return _compared({}, _stored(connection, site_id, business_date))
            until = (date.fromisoformat(business_date) + timedelta(days=1)).isoformat()
            folded, is_cut = _folded(connection, site_id, business_date, begin, until)
            stored = _stored(connection, site_id, business_date)
        if is_cut:
            folded = {key: values for key, values in folded.items() if not _is_open(key, values)}
            stored = {key: values for key, values in stored.items() if key in folded}
        return _compared(folded, stored)


def _begin(connection: Connection, site_id: str, day: str, calendar: BusinessCalendar) -> int | None:
    """The first row that may matter to the day's records."""
    start_us, _ = calendar.bounds_us(day)
    ledger, sessions, handoffs = RECEIVED["ledger"], RECEIVED["agent_sessions"], RECEIVED["handoffs"]
    open_handoffs = select(handoffs.c.handoff_id).where(
        handoffs.c.site_id == site_id,
        handoffs.c.began_utc_us < start_us,
        _lasts(handoffs.c.ended_utc_us, start_us),
    )
    # Hand-offs that end without ever being connected have no end time: their rows are few.
    open_handoffs = open_handoffs.where(handoffs.c.business_date >= _days_before(day, 2))
    firsts = (
        select(func.min(ledger.c.seq)).where(ledger.c.site_id == site_id, ledger.c.business_date == day),
        select(func.min(sessions.c.login_seq)).where(
            sessions.c.site_id == site_id,
            sessions.c.login_utc_us < start_us,
            _lasts(sessions.c.logout_utc_us, start_us),
        ),
        select(func.min(ledger.c.seq)).where(
            ledger.c.site_id == site_id, ledger.c.handoff_id.in_(open_handoffs)
        ),
    )
    found = [connection.execute(first).scalar() for first in firsts]
    return min((seq for seq in found if seq is not None), default=None)


def _lasts(end: ColumnElement[Any], since_us: int) -> ColumnElement[bool]:
    return or_(end.is_(None), end >= since_us)


def _days_before(day: str, count: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=count)).isoformat()


def _folded(
    connection: Connection, site_id: str, day: str, begin: int, until: str
) -> tuple[dict[Key, dict[str, Any]], bool]:
    """The day's records by the fold, and whether rows after `until` were left out."""
    state = RecordFold()
    latest: dict[RecordKey, Record] = {}
    for row in _ledger(connection, site_id, begin):
        if row.business_date > until:
            return _values(latest), True
        for record in state.apply(row):
            if record.business_date == day:
                latest[key_of(record)] = record
    return _values(latest), False


def _ledger(connection: Connection, site_id: str, begin: int) -> Iterator[LedgerRow]:
    ledger = RECEIVED["ledger"]
    found = select(ledger).where(ledger.c.site_id == site_id, ledger.c.seq >= begin).order_by(ledger.c.seq)
    rows = connection.execute(found, execution_options=_PAGED)
    return (ledger_row(row) for row in rows.mappings())


def _values(records: dict[RecordKey, Record]) -> dict[Key, dict[str, Any]]:
    found = {}
    for record in records.values():
        table, values = TABLES[type(record)], record_values(record)
        values = {name: value for name, value in values.items() if name not in _NOT_FOLDED}
        found[table.name, tuple(values[column.name] for column in table.primary_key)] = values
    return found


def _stored(connection: Connection, site_id: str, day: str) -> dict[Key, dict[str, Any]]:
    found: dict[Key, dict[str, Any]] = {}
    for name in sorted({TABLES[kind].name for kind in TABLES} - {"callers"}):
        table = RECEIVED[name]
        columns = [column for column in table.columns if column.name not in _NOT_FOLDED]
        rows = connection.execute(
            select(*columns).where(table.c.site_id == site_id, table.c.business_date == day)
        )
        key = [column.name for column in table.primary_key]
        for row in rows.mappings():
            found[name, tuple(row[part] for part in key)] = dict(row)
    return found


def _is_open(key: Key, values: dict[str, Any]) -> bool:
    table, _ = key
    if table == "handoffs":
        return values["stage"] not in list(OVER)
    return table in _OPEN_ENDED and values[_OPEN_ENDED[table]] is None


def _compared(folded: dict[Key, dict[str, Any]], stored: dict[Key, dict[str, Any]]) -> FoldResult:
    differing = sorted((key for key in {*folded, *stored} if folded.get(key) != stored.get(key)), key=repr)
    return FoldResult(
        record_count=len(folded),
        differing_count=len(differing),
        examples=tuple(f"{table} {'/'.join(map(str, key))}" for table, key in differing[:_DIFFERENCES_SHOWN]),
    )
