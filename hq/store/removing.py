"""Rows that a branch no longer has: their tombstones, and what each means at HQ."""

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from hq.store.loading.port import is_newer
from hq.store.tables import QUARANTINE, TOMBSTONES
from sync.journal.batch import Tombstone
from sync.journal.database import is_sqlite
from sync.journal.refusals import ConversationError
from sync.journal.tables import Removal
from sync.records.shape import ConsolidatedTable


def remove(
    connection: Connection,
    site_id: str,
    table: Table,
    shape: ConsolidatedTable,
    tombstones: Sequence[Tombstone],
    epoch: int,
) -> None:
    """Write the tombstones down, and remove what they stand for unless it was only pruned there.

    Raises:
        ConversationError: one names no key of this site's.
    """
    for tombstone in tombstones:
        _note(connection, site_id, table.name, tombstone, epoch)
        if tombstone.removal == Removal.PRUNED:
            continue
        older = tuple_(table.c.epoch, table.c.rev) < tuple_(epoch, tombstone.rev)
        connection.execute(delete(table).where(_is_key(table, shape, site_id, tombstone.row_key), older))
        connection.execute(
            delete(QUARANTINE).where(
                QUARANTINE.c.site_id == site_id,
                QUARANTINE.c.stream == table.name,
                QUARANTINE.c.row_key == tombstone.row_key,
            )
        )


def _note(connection: Connection, site_id: str, stream: str, tombstone: Tombstone, epoch: int) -> None:
    if tombstone.removal not in list(Removal):
        raise ConversationError(
            f"a row of {stream} was removed for no reason of ours: {tombstone.removal[:40]!r}"
        )
    dialect = sqlite if is_sqlite(connection) else postgresql
    adding = dialect.insert(TOMBSTONES).values(
        site_id=site_id, stream=stream, epoch=epoch, **tombstone._asdict()
    )
    changed = {name: adding.excluded[name] for name in ("removal", "business_date", "epoch", "rev")}
    connection.execute(
        adding.on_conflict_do_update(
            index_elements=list(TOMBSTONES.primary_key),
            set_=changed,
            where=is_newer(adding.excluded, TOMBSTONES),
        )
    )


def _is_key(table: Table, shape: ConsolidatedTable, site_id: str, row_key: str) -> ColumnElement[bool]:
    try:
        key = json.loads(row_key)
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != len(shape.key) or key[0] != site_id:
        raise ConversationError(f"a tombstone of {table.name} names no row of {site_id}: {row_key[:80]!r}")
    return and_(*(table.c[field.name] == value for field, value in zip(shape.key, key, strict=True)))
