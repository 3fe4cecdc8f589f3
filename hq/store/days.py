"""Which business days are due, and the certificates of those that are not any more."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hq.store.tables import BUSINESS_DAYS, CERTIFICATES, DayState
from sync.journal.database import is_sqlite, snapshot, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """A day of a site that HQ cannot yet vouch for."""

    site_id: str
    business_date: str
    attempt_count: int
    last_problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """HQ held what the branch held, row by row."""

    site_id: str
    business_date: str
    issue: int
    """1 at first; the next number each time the day changed afterwards."""
    epoch: int
    row_count: int
    quarantined_count: int
    """Rows that HQ holds outside of their tables, of `row_count`."""
    folded_count: int
    """Records that were folded from the ledger again and found equal."""
    digest: bytes
    stream_counts: Mapping[str, int]
    is_day_over: bool
    """False: somebody asked for it before the day had ended."""
    certified_utc_us: int


class DayBook:
    """Every day of every site."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, days: Iterable[tuple[str, str]]) -> None:
        """Make days due (site, date) that were not known."""
        rows = [
            {
                "site_id": site_id,
                "business_date": day,
                "state": str(DayState.DUE),
                "issue": 0,
                "attempt_count": 0,
            }
            for site_id, day in days
        ]
        if not rows:
            return
        with writing(self._engine) as connection:
            dialect = sqlite if is_sqlite(connection) else postgresql
            connection.execute(dialect.insert(BUSINESS_DAYS).on_conflict_do_nothing(), rows)

    def known(self, site_id: str) -> set[str]:
        """All days of a site that are known."""
        found = select(BUSINESS_DAYS.c.business_date).where(BUSINESS_DAYS.c.site_id == site_id)
        with snapshot(self._engine) as connection:
            return set(connection.execute(found).scalars())

    def due(self, site_id: str | None = None) -> list[DueDay]:
        """What is due, the oldest day first."""
        table = BUSINESS_DAYS
        found = select(
            table.c.site_id, table.c.business_date, table.c.attempt_count, table.c.last_problem
        ).where(table.c.state == str(DayState.DUE))
        if site_id is not None:
            found = found.where(table.c.site_id == site_id)
        with snapshot(self._engine) as connection:
            rows = connection.execute(found.order_by(table.c.business_date, table.c.site_id)).mappings()
            return [DueDay(**row) for row in rows]

    def certified_count(self) -> int:
        """Days that are certified now."""
        certified = BUSINESS_DAYS.c.state == str(DayState.CERTIFIED)
        with snapshot(self._engine) as connection:
            found = connection.execute(select(func.count()).select_from(BUSINESS_DAYS).where(certified))
            return int(found.scalar_one())

    def note_attempt(self, site_id: str, business_date: str, utc_us: int, problem: str | None) -> None:
        """A day was tried; `problem` is what stood in the way."""
        with writing(self._engine) as connection:
            connection.execute(
                update(BUSINESS_DAYS)
                .where(BUSINESS_DAYS.c.site_id == site_id, BUSINESS_DAYS.c.business_date == business_date)
                .values(
                    attempt_count=BUSINESS_DAYS.c.attempt_count + 1,
                    last_attempt_utc_us=utc_us,
                    last_problem=problem,
                )
            )

    def next_issue(self, site_id: str, business_date: str) -> int:
        """The number of a day's next certificate."""
        found = select(BUSINESS_DAYS.c.issue).where(
            BUSINESS_DAYS.c.site_id == site_id, BUSINESS_DAYS.c.business_date == business_date
        )
        with snapshot(self._engine) as connection:
            return (connection.execute(found).scalar() or 0) + 1

    def certify(self, certificate: Certificate) -> None:
        """Write a certificate down; the day is not due any more, in the same transaction."""
        with writing(self._engine) as connection:
            values = {column.name: getattr(certificate, column.name) for column in CERTIFICATES.columns}
            values["stream_counts"] = json.dumps(certificate.stream_counts, sort_keys=True)
            connection.execute(insert(CERTIFICATES).values(**values))
            connection.execute(
                update(BUSINESS_DAYS)
                .where(
                    BUSINESS_DAYS.c.site_id == certificate.site_id,
                    BUSINESS_DAYS.c.business_date == certificate.business_date,
                )
                .values(state=str(DayState.CERTIFIED), issue=certificate.issue, last_problem=None)
            )

    def certificates(
        self, *, business_date: str | None = None, site_id: str | None = None
    ) -> list[Certificate]:
        """The certificates, by day and site, the newest issue of each last."""
        found = select(CERTIFICATES).order_by(
            CERTIFICATES.c.business_date, CERTIFICATES.c.site_id, CERTIFICATES.c.issue
        )
        if business_date is not None:
            found = found.where(CERTIFICATES.c.business_date == business_date)
        if site_id is not None:
            found = found.where(CERTIFICATES.c.site_id == site_id)
        with snapshot(self._engine) as connection:
            return [
                Certificate(**{**row, "stream_counts": json.loads(row["stream_counts"])})
                for row in connection.execute(found).mappings()
            ]
