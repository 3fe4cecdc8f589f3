"""A branch's database with rows in it, for tests of the journal: SQLite or PostgreSQL."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, update

from sync.journal.capture.choice import commit_order
from sync.journal.capture.keeping import JournalKeeper
from sync.journal.capture.reading import JournalReader
from sync.journal.database import is_sqlite, open_database, writing
from sync.records.revision import next_revs
from sync.records.tables import CONSOLIDATED, METADATA

DAY = "2026-03-02"
DAY_START_UTC_US = 1_772_380_800_000_000
"""Midnight of DAY in Asia/Shanghai."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One site's database as its journal sees it."""

    engine: Engine
    site_id: str
    reader: JournalReader
    keeper: JournalKeeper

    def write(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows in a transaction of their own."""
        with writing(self.engine) as connection:
            self.write_in(connection, table, rows)

    def write_in(self, connection: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows in somebody's transaction."""
        connection.execute(insert(METADATA.tables[table]), self._stamped(connection, list(rows)))

    def change(self, table: str, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Change one row in a transaction of its own."""
        target = METADATA.tables[table]
        with writing(self.engine) as connection:
            (stamped,) = self._stamped(connection, [values])
            found = update(target).where(*(target.c[name] == value for name, value in key.items()))
            connection.execute(found.values(**{k: v for k, v in stamped.items() if k != "site_id"}))

    def _stamped(self, connection: Connection, rows: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        revs = next_revs(connection, self.site_id, len(rows)) if is_sqlite(connection) else [0] * len(rows)
        return [{"site_id": self.site_id, **row, "rev": rev} for row, rev in zip(rows, revs, strict=True)]


def open_branch(url: str, site_id: str = "beijing") -> Branch:
    """A new branch's database, or one that was opened before."""
    engine = open_database(url)
    with writing(engine) as connection:
        METADATA.create_all(connection)
    order = commit_order(engine)
    tables = {shape.name: METADATA.tables[shape.name] for shape in CONSOLIDATED}
    keeper = JournalKeeper(engine, order, site_id)
    keeper.open(DAY_START_UTC_US)
    return Branch(
        engine=engine,
        site_id=site_id,
        reader=JournalReader(engine, order, site_id, CONSOLIDATED, tables),
        keeper=keeper,
    )


def ledger_rows(first_seq: int, count: int, *, day: str = DAY) -> list[dict[str, Any]]:
    """Rows of calls nobody had; each with a text that a careless loader would spoil."""
    return [
        {
            "seq": seq,
            "at_utc_us": DAY_START_UTC_US + seq * 1_000,
            "mono_ms": seq,
            "incarnation": 1,
            "kind": "ANNOUNCED",
            "call_id": f"call-{seq // 8}",
            "agent_id": None,
            "handoff_id": None,
            "payload": f'{{"expected_wait_s":null,"position":{seq},"queue_id":"\\\\N\\t\'甲\'"}}',
            "business_date": day,
        }
        for seq in range(first_seq, first_seq + count)
    ]
