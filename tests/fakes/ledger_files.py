"""Ledgers as database files, with the records folded from them: a branch's, or HQ's of all branches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert

from hq.store.tables import METADATA as HQ_TABLES
from hq.store.tables import RECEIVED, SITES, SiteState
from router.ids import SiteId
from router.ledger import LedgerRow
from router.records.fold import fold
from router.world.day.calls import PlannedCall
from router.world.day.scenario import Scenario
from router.world.figures.what_if import play_what_if
from router.world.reference.policies import Policy
from sync.journal.database import open_database
from sync.records.codec import ledger_record
from sync.records.derived import TABLES, record_values
from sync.records.tables import LEDGER
from sync.records.tables import METADATA as BRANCH_TABLES

TIME_ZONE = "Asia/Shanghai"


@dataclass(slots=True)
class PlayedDay:
    """A day of a whole cluster on virtual time, and its ledgers."""

    rows: list[LedgerRow] = field(default_factory=list)

    def of(self, site: str) -> list[LedgerRow]:
        return [row for row in self.rows if row.site_id == site]

    def sites(self) -> list[SiteId]:
        return sorted({row.site_id for row in self.rows})


def played_day(scenario: Scenario, calls: list[PlannedCall], *, seed: int = 1) -> PlayedDay:
    day = PlayedDay()
    played = play_what_if(scenario, calls, policy=Policy.RESERVE_PULL, seed=seed, see_row=day.rows.append)
    assert not played.violations
    return day


def write_branch(file: Path, rows: Sequence[LedgerRow]) -> Path:
    """A branch's database with these rows of one site."""
    engine = open_database(f"sqlite:///{file}")
    with engine.begin() as connection:
        BRANCH_TABLES.create_all(connection)
        _fill(connection, rows, {table.name: table for table in (LEDGER, *TABLES.values())}, {"rev": 1})
    engine.dispose()
    return file


def write_hq(file: Path, rows: Sequence[LedgerRow]) -> Path:
    """HQ's database, a file, with the rows of all sites."""
    fill_hq(f"sqlite:///{file}", rows)
    return file


def fill_hq(url: str, rows: Sequence[LedgerRow]) -> None:
    """An empty database made HQ's, with the rows of all sites."""
    engine = open_database(url)
    with engine.begin() as connection:
        HQ_TABLES.create_all(connection)
        for site_id in sorted({row.site_id for row in rows}):
            own = [row for row in rows if row.site_id == site_id]
            _fill(connection, own, RECEIVED, {"rev": 1, "epoch": 1})
            connection.execute(insert(SITES).values(**_site(site_id)))
    engine.dispose()


def _fill(connection: Connection, rows: Iterable[LedgerRow], tables: Any, extra: dict[str, int]) -> None:
    rows = list(rows)
    connection.execute(insert(tables[LEDGER.name]), [{**ledger_record(row), **extra} for row in rows])
    values: dict[str, list[dict[str, Any]]] = {}
    for record in fold(rows).values():
        values.setdefault(TABLES[type(record)].name, []).append({**record_values(record), **extra})
    for name, records in values.items():
        table: Table = tables[name]
        connection.execute(insert(table), records)


def _site(site_id: SiteId) -> dict[str, Any]:
    return {
        "site_id": site_id,
        "address": "127.0.0.1:1",
        "time_zone": TIME_ZONE,
        "state": SiteState.ACTIVE,
        "epoch": 1,
        "first_business_date": "2026-01-05",
    }
