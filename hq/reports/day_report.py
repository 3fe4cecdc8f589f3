"""A business day's figures over all sites, recomputed from the records that HQ holds."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, select

from hq.store.tables import BUSINESS_DAYS, RECEIVED, SITES, DayState
from router.ids import QueueId, SiteId
from router.kpi.calls import first_contact_resolution
from router.kpi.overflow import OverflowTally
from router.kpi.service_level import ServiceLevelCounts
from router.kpi.site_day import DayFigures, day_figures, interval_counts, queue_figures
from router.ledger import LedgerRow
from router.records.agent import AgentStateSpan
from router.records.call import CallRecord
from sync.journal.database import snapshot
from sync.records.codec import ledger_row
from sync.records.derived import TABLES, SiteRecord, read_record

R = TypeVar("R", bound=SiteRecord)

_PAGED = {"yield_per": 2_000}
"""Rows come in pages, so that memory stays flat; for this statement alone."""
_FCR_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReport:
    """One site's day."""

    site_id: SiteId
    is_certified: bool
    figures: DayFigures
    queues: Mapping[QueueId, DayFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayReport:
    """The day of the whole cluster; every site counts its own business day."""

    business_date: str
    sites: tuple[SiteReport, ...]
    cluster: DayFigures
    overflow: OverflowTally
    first_contact_resolution: float | None
    intervals: Mapping[int, ServiceLevelCounts]
    """Of all sites, by the interval's beginning, UTC us; empty where none are wanted."""


class DayReports:
    """Makes reports out of HQ's database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, business_date: str, *, interval_min: int = 0) -> DayReport:
        """The day's report, certified or not: it says which; 0: without intervals.

        Raises:
            ValueError: not an ISO date, or a record that no version can have written.
        """
        date.fromisoformat(business_date)
        with snapshot(self._engine) as connection:
            return _report(connection, business_date, interval_min)


def _report(connection: Connection, day: str, interval_min: int) -> DayReport:
    site_ids = [
        SiteId(each)
        for each in connection.execute(select(SITES.c.site_id).order_by(SITES.c.site_id)).scalars()
    ]
    tally = OverflowTally()
    for site_id in site_ids:
        for row in _ledger(connection, day, site_id):
            tally.see(row)
    calls = _records(connection, CallRecord, day)
    targets = _targets(connection)
    return DayReport(
        business_date=day,
        sites=tuple(_site(connection, day, site_id) for site_id in site_ids),
        cluster=day_figures(
            calls,
            _records(connection, AgentStateSpan, day),
            lambda: _ledger(connection, day),
            targets,
        ),
        overflow=tally,
        first_contact_resolution=_resolution(connection, day, calls),
        intervals=interval_counts(calls, targets, interval_min * 60) if interval_min else {},
    )


def _site(connection: Connection, day: str, site_id: SiteId) -> SiteReport:
    calls = _records(connection, CallRecord, day, site_id)
    spans = _records(connection, AgentStateSpan, day, site_id)
    targets = _targets(connection, site_id)
    state = select(BUSINESS_DAYS.c.state).where(
        BUSINESS_DAYS.c.site_id == site_id, BUSINESS_DAYS.c.business_date == day
    )
    return SiteReport(
        site_id=site_id,
        is_certified=connection.execute(state).scalar() == DayState.CERTIFIED,
        figures=day_figures(calls, spans, lambda: _ledger(connection, day, site_id), targets),
        queues=queue_figures(calls, targets),
    )


def _records(connection: Connection, cls: type[R], day: str, site_id: SiteId | None = None) -> list[R]:
    known: Mapping[Any, Table] = TABLES
    table = RECEIVED[known[cls].name]
    found = select(table).where(table.c.business_date == day)
    if site_id is not None:
        found = found.where(table.c.site_id == site_id)
    return [read_record(cls, dict(row)) for row in connection.execute(found).mappings()]


def _ledger(connection: Connection, day: str, site_id: SiteId | None = None) -> Iterator[LedgerRow]:
    """A site's rows in its own order; sites one after the other."""
    ledger = RECEIVED["ledger"]
    found = select(ledger).where(ledger.c.business_date == day)
    if site_id is not None:
        found = found.where(ledger.c.site_id == site_id)
    found = found.order_by(ledger.c.site_id, ledger.c.seq)
    rows = connection.execute(found, execution_options=_PAGED)
    return (ledger_row(row) for row in rows.mappings())


def _targets(connection: Connection, site_id: SiteId | None = None) -> dict[QueueId, int]:
    """Each queue's service-level target by its newest policy; a queue has one name at all sites."""
    policies = RECEIVED["queue_policies"]
    found = select(policies.c.queue_id, policies.c.settings).order_by(policies.c.version)
    if site_id is not None:
        found = found.where(policies.c.site_id == site_id)
    settings: dict[str, Any] = {row.queue_id: json.loads(row.settings) for row in connection.execute(found)}
    return {
        QueueId(name): each["service_level_ms"]
        for name, each in settings.items()
        if "service_level_ms" in each
    }


def _resolution(connection: Connection, day: str, calls: list[CallRecord]) -> float | None:
    """Over the calls of the day and of the week after it, which show who called again."""
    until = (date.fromisoformat(day) + timedelta(days=_FCR_DAYS)).isoformat()
    table = RECEIVED[TABLES[CallRecord].name]
    later = select(table).where(table.c.business_date > day, table.c.business_date <= until)
    following = [read_record(CallRecord, dict(row)) for row in connection.execute(later).mappings()]
    return first_contact_resolution([*calls, *following])
