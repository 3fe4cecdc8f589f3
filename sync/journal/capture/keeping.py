"""What a branch writes down of its meetings with HQ: epochs, confirmed positions, certificates.

A few rows a batch, each in a transaction of its own, beside the call path's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from sync.journal.capture.order import CommitOrder
from sync.journal.database import is_sqlite, snapshot, writing
from sync.journal.position import Mark, Position
from sync.journal.tables import CERTIFIED_DAYS, EPOCHS, TOMBSTONES, WATERMARKS, Removal
from sync.records.revision import next_revs

FIRST_EPOCH = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CertifiedDay:
    """A day that HQ holds completely."""

    business_date: str
    issue: int
    row_count: int
    digest: bytes
    certified_utc_us: int


class JournalKeeper:
    """One site's memory of what HQ has confirmed."""

    def __init__(self, engine: Engine, order: CommitOrder, site_id: str) -> None:
        self._engine = engine
        self._order = order
        self._site_id = site_id

    def open(self, utc_us: int) -> int:
        """The epoch of this database; begins one when there is none, or when the server is another."""
        with writing(self._engine) as connection:
            instance = self._order.instance(connection)
            last = self._last_epoch(connection)
            if last is None:
                return self._begin(connection, FIRST_EPOCH, instance, utc_us, "FIRST")
            if last.instance != instance:
                return self._begin(connection, last.epoch + 1, instance, utc_us, "ANOTHER_SERVER")
            return int(last.epoch)

    def begin_epoch(self, epoch: int, utc_us: int) -> None:
        """Begin the epoch that HQ names; every stream starts over."""
        with writing(self._engine) as connection:
            self._begin(connection, epoch, self._order.instance(connection), utc_us, "READMITTED")

    def marks(self) -> Mapping[str, Mark]:
        """What HQ has confirmed, by stream."""
        with snapshot(self._engine) as connection:
            rows = connection.execute(select(WATERMARKS).where(WATERMARKS.c.site_id == self._site_id))
            return {
                row.stream: Mark(position=Position(row.xid, row.rev), nonce=row.nonce, chain=row.chain)
                for row in rows
            }

    def keep(self, stream: str, epoch: int, mark: Mark) -> None:
        """Write down what HQ confirmed; durable when this returns."""
        with writing(self._engine) as connection:
            _upsert(
                connection,
                WATERMARKS,
                {
                    "site_id": self._site_id,
                    "stream": stream,
                    "epoch": epoch,
                    "xid": mark.position.xid,
                    "rev": mark.position.rev,
                    "nonce": mark.nonce,
                    "chain": mark.chain,
                },
            )

    def keep_certified(self, day: CertifiedDay) -> None:
        """Write down a certificate; an older issue never replaces a newer one."""
        values = {
            "site_id": self._site_id,
            "business_date": day.business_date,
            "issue": day.issue,
            "row_count": day.row_count,
            "digest": day.digest,
            "certified_utc_us": day.certified_utc_us,
        }
        with writing(self._engine) as connection:
            _upsert(connection, CERTIFIED_DAYS, values, newer="issue")

    def _last_epoch(self, connection: Connection) -> Any:
        found = select(EPOCHS).where(EPOCHS.c.site_id == self._site_id).order_by(EPOCHS.c.epoch.desc())
        return connection.execute(found.limit(1)).first()

    def _begin(self, connection: Connection, epoch: int, instance: str, utc_us: int, reason: str) -> int:
        connection.execute(delete(WATERMARKS).where(WATERMARKS.c.site_id == self._site_id))
        connection.execute(
            insert(EPOCHS).values(
                site_id=self._site_id, epoch=epoch, instance=instance, began_utc_us=utc_us, reason=reason
            )
        )
        return epoch


def bury(
    connection: Connection,
    site_id: str,
    stream: str,
    removed: Sequence[tuple[Sequence[Any], str]],
    removal: Removal,
) -> None:
    """Leave tombstones for rows that the same transaction removes: (key, business date) of each.

    Without one HQ would keep the row, and the day's digest would show it.
    """
    revs = next_revs(connection, site_id, len(removed)) if is_sqlite(connection) else range(len(removed))
    for (key, business_date), rev in zip(removed, revs, strict=True):
        _upsert(
            connection,
            TOMBSTONES,
            {
                "site_id": site_id,
                "stream": stream,
                "row_key": row_key(key),
                "removal": str(removal),
                "business_date": business_date,
                "rev": rev,
            },
        )


def row_key(key: Sequence[Any]) -> str:
    """A key's values as the one JSON text that both sides write."""
    return json.dumps(list(key), ensure_ascii=False, separators=(",", ":"))


def _upsert(
    connection: Connection, table: Table, values: Mapping[str, Any], *, newer: str | None = None
) -> None:
    dialect = sqlite if is_sqlite(connection) else postgresql
    key = [column.name for column in table.primary_key]
    adding = dialect.insert(table).values(**values)
    changed = {name: adding.excluded[name] for name in values if name not in key}
    where = None if newer is None else adding.excluded[newer] > table.c[newer]
    connection.execute(adding.on_conflict_do_update(index_elements=key, set_=changed, where=where))
