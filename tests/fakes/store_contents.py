"""All that a store holds, and all that it must hold after certain rows."""

from operator import itemgetter
from typing import Any

from sqlalchemy import select

from branch.store.store import Store
from router.ledger import LedgerRow
from router.records.fold import fold
from sync.records.codec import ledger_row
from sync.records.derived import TABLES, record_values
from sync.records.tables import LEDGER

Contents = dict[str, list[dict[str, Any]]]


def ledger_of(store: Store) -> list[LedgerRow]:
    with store.database.reading() as connection:
        rows = connection.execute(select(LEDGER).order_by(LEDGER.c.seq)).mappings()
        return [ledger_row(row) for row in rows]


def values_of(store: Store) -> Contents:
    """All derived rows by table, ordered by key, without their revisions."""
    found: Contents = {}
    with store.database.reading() as connection:
        for table in TABLES.values():
            rows = [dict(row) for row in connection.execute(select(table)).mappings()]
            found[table.name] = [{name: row[name] for name in row if name != "rev"} for row in rows]
    return _in_order(found)


def folded(rows: list[LedgerRow]) -> Contents:
    """What `values_of` must find after these rows."""
    found: Contents = {table.name: [] for table in TABLES.values()}
    for record in fold(rows).values():
        found[TABLES[type(record)].name].append(record_values(record))
    return _in_order(found)


def _in_order(contents: Contents) -> Contents:
    for table in TABLES.values():
        key = [column.name for column in table.primary_key]
        contents[table.name].sort(key=itemgetter(*key))
    return contents
