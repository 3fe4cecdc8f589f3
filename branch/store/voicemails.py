"""Messages that callers left: which there are, and who has heard them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from branch.store.site_database import SiteDatabase
from branch.store.statements import upsert_rows
from router.ids import CallId, QueueId
from sync.records.tables import CALLERS, VOICEMAILS


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail:
    """One caller's message; the call's id is its recording's name."""

    call_id: CallId
    queue_id: QueueId
    left_utc_us: int
    number: str | None
    """None when it was withheld, or erased."""
    heard_utc_us: int | None
    heard_by: str | None


class Voicemails:
    """That a message was left is the ledger's affair; this marks that it was heard. Its calls block."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    def messages(
        self, *, queue_ids: Collection[QueueId] | None = None, with_heard: bool = False, row_limit: int
    ) -> Sequence[Voicemail]:
        """The newest `row_limit`: of those nobody has heard, oldest first; of all, newest first.

        `queue_ids` None: of all queues.
        """
        table, site_id = VOICEMAILS, self._database.site_id
        by_call = (CALLERS.c.site_id == table.c.site_id) & (CALLERS.c.call_id == table.c.call_id)
        query = (
            select(table, CALLERS.c.number)
            .select_from(table.outerjoin(CALLERS, by_call))
            .where(table.c.site_id == site_id)
            .order_by(table.c.left_utc_us.desc(), table.c.call_id)
            .limit(row_limit)
        )
        if queue_ids is not None:
            query = query.where(table.c.queue_id.in_(sorted(queue_ids)))
        if not with_heard:
            query = query.where(table.c.heard_utc_us.is_(None))
        with self._database.reading() as connection:
            found = [
                Voicemail(
                    call_id=CallId(row.call_id),
                    queue_id=QueueId(row.queue_id),
                    left_utc_us=row.left_utc_us,
                    number=row.number,
                    heard_utc_us=row.heard_utc_us,
                    heard_by=row.heard_by,
                )
                for row in connection.execute(query)
            ]
        return found if with_heard else found[::-1]

    def mark_heard(
        self, call_id: CallId, person_id: str, *, queue_ids: Collection[QueueId] | None = None
    ) -> bool:
        """The first who has heard it is who counts. False: there is no such message in these queues."""
        table = VOICEMAILS
        query = select(table).where(table.c.site_id == self._database.site_id, table.c.call_id == call_id)
        if queue_ids is not None:
            query = query.where(table.c.queue_id.in_(sorted(queue_ids)))
        with self._database.writing() as connection:
            row = connection.execute(query).mappings().first()
            if row is not None and row["heard_utc_us"] is None:
                heard = {"heard_utc_us": self._database.clock.utc_us(), "heard_by": person_id}
                upsert_rows(connection, table, [{**row, **heard}])
        return row is not None
