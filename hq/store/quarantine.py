"""Rows that HQ holds outside of their table: one that the table refuses must not stop the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from hq.store.tables import QUARANTINE, QuarantineReason
from sync.journal.batch import Row
from sync.journal.capture.keeping import row_key
from sync.journal.database import is_sqlite
from sync.records.shape import ConsolidatedTable

PROBLEM_LIMIT_CHARS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that its table does not take, and why."""

    row: Row
    problem: str


class RefusedRowsError(Exception):
    """Some of these rows are not taken; nothing of them is in the table."""


def load_what_fits(rows: Sequence[Row], load: Callable[[Sequence[Row]], int]) -> tuple[int, list[Refused]]:
    """Load all rows but those that cannot be, found by halving; `load` undoes what it refuses.

    Returns:
        How many rows changed, and the refused ones.
    """
    if not rows:
        return 0, []
    try:
        return load(rows), []
    except RefusedRowsError as error:
        if len(rows) == 1:
            return 0, [Refused(row=rows[0], problem=str(error)[:PROBLEM_LIMIT_CHARS])]
    middle = len(rows) // 2
    first_count, first = load_what_fits(rows[:middle], load)
    second_count, second = load_what_fits(rows[middle:], load)
    return first_count + second_count, first + second


def put_away(
    connection: Connection,
    site_id: str,
    shape: ConsolidatedTable,
    refused: Refused,
    reason: QuarantineReason,
    *,
    epoch: int,
    utc_us: int,
) -> None:
    """Keep a row in quarantine, in place of an older one of the same key."""
    values, rev = refused.row[:-1], refused.row[-1]
    dialect = sqlite if is_sqlite(connection) else postgresql
    adding = dialect.insert(QUARANTINE).values(
        site_id=site_id,
        stream=shape.name,
        row_key=_printable(row_key(values[: len(shape.key)])),
        reason=str(reason),
        problem=_printable(refused.problem),
        business_date=_printable(str(values[-1])),
        epoch=epoch,
        rev=rev if isinstance(rev, int) else 0,
        packed_row=msgpack.packb(values),
        at_utc_us=utc_us,
    )
    key = list(QUARANTINE.primary_key)
    changed = {
        column.name: adding.excluded[column.name] for column in QUARANTINE.columns if column not in key
    }
    connection.execute(adding.on_conflict_do_update(index_elements=key, set_=changed))


def let_out(connection: Connection, site_id: str, stream: str, keys: Sequence[Sequence[Any]]) -> None:
    """Forget the refused rows of these keys: newer ones of them are in the table."""
    for start in range(0, len(keys), 500):
        texts = [_printable(row_key(key)) for key in keys[start : start + 500]]
        connection.execute(
            delete(QUARANTINE).where(*_refused(site_id, stream), QUARANTINE.c.row_key.in_(texts))
        )


def count(
    connection: Connection, site_id: str, *, stream: str | None = None, business_date: str | None = None
) -> int:
    """Refused rows of a site."""
    found = select(func.count()).where(*_refused(site_id, stream))
    if business_date is not None:
        found = found.where(QUARANTINE.c.business_date == business_date)
    return int(connection.execute(found).scalar_one())


def rows_of_day(connection: Connection, site_id: str, stream: str, business_date: str) -> list[Row]:
    """The refused rows' values: HQ holds them, though not in their table."""
    found = select(QUARANTINE.c.packed_row).where(
        *_refused(site_id, stream), QUARANTINE.c.business_date == business_date
    )
    return [msgpack.unpackb(packed, use_list=False) for packed in connection.execute(found).scalars()]


def _refused(site_id: str, stream: str | None) -> list[Any]:
    conditions = [QUARANTINE.c.site_id == site_id, QUARANTINE.c.reason == str(QuarantineReason.REFUSED)]
    return conditions if stream is None else [*conditions, QUARANTINE.c.stream == stream]


def _printable(text: str) -> str:
    """Quarantine must take everything: a NUL is what PostgreSQL's text cannot hold."""
    return text.replace("\x00", "\ufffd")
