"""Rows that share one commit, and their way into the database."""

from dataclasses import dataclass, field

from sqlalchemy import Connection, Table

from branch.store.ledger_reader import last_seq, tell_again
from branch.store.statements import Values, write_rows
from router.ids import SiteId
from router.ledger import LedgerRow
from router.records.fold import RecordFold, RecordKey, key_of
from sync.records.codec import ledger_record
from sync.records.derived import TABLES, CallerRecord, SiteRecord, record_values
from sync.records.tables import LEDGER


@dataclass(slots=True)
class Group:
    """Some rows of the ledger in the order of seq, with the callers they are about."""

    rows: list[LedgerRow]
    callers: list[CallerRecord]
    records: dict[RecordKey, SiteRecord] | None = field(default=None)
    """What the rows changed; None until the fold has taken them, which it does once."""
    has_failed: bool = False
    """A commit failed; over a network it may have succeeded all the same."""

    @property
    def last_seq(self) -> int:
        return self.rows[-1].seq

    def join(self, later: "Group", row_limit: int) -> bool:
        """Take the rows of the next group too, if that is still possible and not too many."""
        if self.has_failed or len(self.rows) + len(later.rows) > row_limit:
            return False
        assert self.records is None, "the fold takes rows in the transaction that writes them"
        self.rows += later.rows
        self.callers += later.callers
        return True

    def write(self, connection: Connection, site_id: SiteId, fold: RecordFold) -> None:
        """Write rows and records; the caller's transaction commits them.

        Raises:
            sqlalchemy.exc.IntegrityError: another process writes this site's ledger.
            sqlalchemy.exc.OperationalError: the database cannot be written now.
        """
        if self.has_failed and last_seq(connection, site_id) >= self.last_seq:
            return
        if self.records is None:
            recall = fold.recall(self.rows)
            tell_again(connection, site_id, fold, recall)
            self.records = {key_of(record): record for row in self.rows for record in fold.apply(row)}
        write_rows(
            connection,
            inserted={LEDGER: [ledger_record(row) for row in self.rows]},
            upserted=self._upserted(),
        )

    def _upserted(self) -> dict[Table, list[Values]]:
        assert self.records is not None
        by_table: dict[Table, list[Values]] = {}
        for record in (*self.records.values(), *self.callers):
            by_table.setdefault(TABLES[type(record)], []).append(record_values(record))
        return by_table
