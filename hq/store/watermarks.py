"""How far HQ has each stream, read and moved inside the transaction that writes its rows."""

from collections.abc import Sequence

import msgpack
from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from hq.store.tables import WATERMARKS
from sync.journal.database import is_sqlite
from sync.journal.position import UNMARKED, Mark, Position
from sync.journal.receiving.greeting import MARKS_KEPT


def lock(connection: Connection, site_id: str, stream: str, epoch: int) -> tuple[Mark, ...]:
    """The confirmations that HQ gave, the newest last; nobody else moves them until the commit."""
    dialect = sqlite if is_sqlite(connection) else postgresql
    first = dialect.insert(WATERMARKS).values(
        site_id=site_id, stream=stream, epoch=epoch, marks=_packed((UNMARKED,)), row_count=0
    )
    connection.execute(first.on_conflict_do_nothing())
    found = select(WATERMARKS).where(WATERMARKS.c.site_id == site_id, WATERMARKS.c.stream == stream)
    row = connection.execute(found.with_for_update()).one()
    return _unpacked(row.marks) if row.epoch == epoch else (UNMARKED,)


def move(
    connection: Connection, site_id: str, stream: str, epoch: int, marks: Sequence[Mark], row_count: int
) -> None:
    """Write the confirmations down, of which only the last few are kept; `row_count` rows came with it."""
    connection.execute(
        update(WATERMARKS)
        .where(WATERMARKS.c.site_id == site_id, WATERMARKS.c.stream == stream)
        .values(epoch=epoch, marks=_packed(marks[-MARKS_KEPT:]), row_count=WATERMARKS.c.row_count + row_count)
    )


def _packed(marks: Sequence[Mark]) -> bytes:
    packed: bytes = msgpack.packb(
        [(mark.position.xid, mark.position.rev, mark.nonce, mark.chain) for mark in marks]
    )
    return packed


def _unpacked(packed: bytes) -> tuple[Mark, ...]:
    return tuple(
        Mark(position=Position(xid, rev), nonce=nonce, chain=chain)
        for xid, rev, nonce, chain in msgpack.unpackb(packed)
    )
