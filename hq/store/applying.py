"""One transaction a batch: watermark locked, rows loaded, tombstones followed, watermark moved.

Only after its commit does the branch hear an ack. So a batch is wholly at HQ or not at
all, whenever a process dies, and the branch's memory is never ahead of HQ's.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, case, update

from hq.store import quarantine, watermarks
from hq.store.loading.port import Loader, RowsRefusedError
from hq.store.loading.postgres import PostgresLoader
from hq.store.loading.sqlite import SqliteLoader
from hq.store.opening import Opened, misfit
from hq.store.quarantine import Refused, RefusedRowsError
from hq.store.removing import remove
from hq.store.tables import BUSINESS_DAYS, RECEIVED, SITES, DayState, QuarantineReason, SiteState
from sync.journal.batch import Batch, Row, next_chain
from sync.journal.database import is_sqlite, writing
from sync.journal.position import Mark
from sync.journal.refusals import RejectedError
from sync.records.shape import ConsolidatedTable

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The batch is durable here: what the ack says."""

    mark: Mark
    row_count: int = 0
    """Rows and tombstones taken; 0 for a batch that was here already."""
    changed_count: int = 0
    refused_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """Nothing changed; the stream has to go on after `expected`: what the nack says."""

    expected: Mark
    reason: str


class Applier:
    """Writes batches of any site."""

    def __init__(self, engine: Engine, *, quarantine_limit: int) -> None:
        self._engine = engine
        self._quarantine_limit = quarantine_limit

    def apply(
        self, site_id: str, shape: ConsolidatedTable, opened: Opened, *, epoch: int, utc_us: int
    ) -> Applied | NotTaken:
        """Take a batch, or say from where to send again.

        Raises:
            RejectedError: QUARANTINE_FULL; nothing of the batch is taken.
            sqlalchemy.exc.OperationalError: the database is away or full; nothing is taken.
        """
        batch = opened.batch
        with writing(self._engine) as connection:
            marks = watermarks.lock(connection, site_id, batch.stream, epoch)
            if opened.problem is not None:
                return NotTaken(expected=marks[-1], reason=opened.problem)
            answer = _answer_without_taking(marks, batch)
            if answer is not None:
                return answer
            return self._take(connection, site_id, shape, opened, marks, epoch, utc_us)

    def _take(
        self,
        connection: Connection,
        site_id: str,
        shape: ConsolidatedTable,
        opened: Opened,
        marks: tuple[Mark, ...],
        epoch: int,
        utc_us: int,
    ) -> Applied:
        batch = opened.batch
        changed_count, refused = load_rows(
            connection, site_id, shape, opened.rows, epoch=epoch, utc_us=utc_us, fits=opened.fits
        )
        if refused:
            self._check_limit(connection, site_id)
        remove(connection, site_id, RECEIVED[shape.name], shape, opened.tombstones, epoch)
        mark = Mark(
            position=batch.hi,
            nonce=secrets.token_bytes(NONCE_BYTES),
            chain=next_chain(marks[-1].chain, batch.stream, batch.lo, batch.hi, batch.payload.digest),
        )
        row_count = len(opened.rows) + len(opened.tombstones)
        watermarks.move(connection, site_id, batch.stream, epoch, (*marks, mark), row_count)
        _touch_site(connection, site_id, opened.days)
        return Applied(
            mark=mark, row_count=row_count, changed_count=changed_count, refused_count=len(refused)
        )

    def _check_limit(self, connection: Connection, site_id: str) -> None:
        found = quarantine.count(connection, site_id)
        if found > self._quarantine_limit:
            raise RejectedError(
                "QUARANTINE_FULL",
                f"{found} rows of {site_id} were refused, at most {self._quarantine_limit} are put aside; "
                "look at the quarantine table, then readmit the site",
            )


def load_rows(
    connection: Connection,
    site_id: str,
    shape: ConsolidatedTable,
    rows: Sequence[Row],
    *,
    epoch: int,
    utc_us: int,
    fits: bool = False,
) -> tuple[int, list[Refused]]:
    """Load rows into their table, and those that it refuses into quarantine; `fits`: they were looked at."""
    table = RECEIVED[shape.name]
    loader: Loader = SqliteLoader() if is_sqlite(connection) else PostgresLoader()

    def load(some: Sequence[Row]) -> int:
        problem = None if fits else misfit(site_id, shape, some)
        if problem is not None:
            raise RefusedRowsError(problem)
        try:
            with connection.begin_nested():
                return loader.load(connection, table, shape, some, epoch)
        except RowsRefusedError as error:
            raise RefusedRowsError(str(error)) from error

    changed_count, refused = quarantine.load_what_fits(rows, load)
    if quarantine.count(connection, site_id, stream=shape.name):
        bad = {id(each.row) for each in refused}
        good_keys = [row[: len(shape.key)] for row in rows if id(row) not in bad]
        quarantine.let_out(connection, site_id, shape.name, good_keys)
    for each in refused:
        quarantine.put_away(
            connection, site_id, shape, each, QuarantineReason.REFUSED, epoch=epoch, utc_us=utc_us
        )
    return changed_count, refused


def _answer_without_taking(marks: tuple[Mark, ...], batch: Batch) -> Applied | NotTaken | None:
    newest = marks[-1]
    if batch.hi <= newest.position:
        same = (mark for mark in marks if mark.position == batch.hi)
        return Applied(mark=next(same, newest))
    if batch.lo != newest.position:
        return NotTaken(expected=newest, reason="GAP")
    if batch.previous_chain != newest.chain:
        return NotTaken(expected=newest, reason="CHAIN")
    return None


def _touch_site(connection: Connection, site_id: str, days: frozenset[str]) -> None:
    """A certified day that changed is due again; a day before the first known one moves that."""
    if days:
        connection.execute(
            update(BUSINESS_DAYS)
            .where(
                BUSINESS_DAYS.c.site_id == site_id,
                BUSINESS_DAYS.c.business_date.in_(sorted(days)),
                BUSINESS_DAYS.c.state == str(DayState.CERTIFIED),
            )
            .values(state=str(DayState.DUE))
        )
    first = min(days, default="9999-12-31")
    known = SITES.c.first_business_date
    connection.execute(
        update(SITES)
        .where(SITES.c.site_id == site_id)
        .values(
            state=case(
                (SITES.c.state == str(SiteState.READMITTED), str(SiteState.ACTIVE)), else_=SITES.c.state
            ),
            first_business_date=case((known > first, first), else_=known),
        )
    )
