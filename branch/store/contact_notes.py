"""Notes on contacts as the site keeps them: whose call it was, what was written, what is erased."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select

from branch.customers.contact_note import Contact, ContactNote, KeptNote
from branch.store.site_database import SiteDatabase
from router.ids import AgentId, CallId, CustomerId, HandoffId, SiteId
from router.ledger import CallConnected, HandoffConnected, Role
from sync.journal.tables import Removal
from sync.records.tables import (
    CALLERS,
    CALLS,
    CONTACT_NOTES,
    CUSTOMER_NUMBERS,
    HANDOFFS,
    LEDGER,
    OUTBOUND_CALLS,
)

BATCH_SIZE = 200
"""Notes a commit: the running branch's own commits wait no longer than for one of these."""


class ContactNotes:
    """Serves desks, cards and the commands; its calls block."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    # --- whose call it was --------------------------------------------------------------

    def contact(self, call_id: CallId, agent_id: AgentId) -> Contact | None:
        """The call, when this site's agent has talked on it; None else."""
        with self._database.reading() as connection:
            helped = _one(connection, self._helped(call_id, agent_id))
            if helped is not None:
                return Contact(
                    call_id=call_id,
                    customer_id=None,
                    origin=SiteId(helped.peer),
                    handoff_id=HandoffId(helped.handoff_id),
                )
            if _one(connection, self._talks(call_id, agent_id)) is not None:
                return Contact(call_id=call_id, customer_id=self._caller(connection, call_id))
            dialled = select(OUTBOUND_CALLS.c.call_id).where(
                *self._of(OUTBOUND_CALLS, call_id),
                OUTBOUND_CALLS.c.agent_id == agent_id,
                OUTBOUND_CALLS.c.answered_utc_us.is_not(None),
            )
            if _one(connection, dialled) is not None:
                return Contact(call_id=call_id, customer_id=self._by_number(connection, call_id))
        return None

    def knows(self, call_id: CallId) -> bool:
        """Whether the site has ever had to do with this call."""
        query = select(LEDGER.c.seq).where(*self._of(LEDGER, call_id))
        with self._database.reading() as connection:
            return _one(connection, query) is not None

    def given_away(self, handoff_id: HandoffId, peer: SiteId) -> Contact | None:
        """This site's own call that an agent of `peer` has talked on by that hand-off; None else."""
        query = select(HANDOFFS.c.call_id).where(
            HANDOFFS.c.site_id == self._database.site_id,
            HANDOFFS.c.handoff_id == handoff_id,
            HANDOFFS.c.role == str(Role.ORIGIN),
            HANDOFFS.c.peer == peer,
            HANDOFFS.c.connected_utc_us.is_not(None),
        )
        with self._database.reading() as connection:
            found = _one(connection, query)
            if found is None:
                return None
            call_id = CallId(found.call_id)
            return Contact(call_id=call_id, customer_id=self._caller(connection, call_id))

    # --- notes --------------------------------------------------------------------------

    def add(self, note: KeptNote, *, call_limit: int) -> KeptNote | None:
        """Keep the note; returns what is kept under its id, which was there before when it comes again.

        None: the call has `call_limit` notes already.
        """
        of_call = select(func.count()).where(*self._of(CONTACT_NOTES, note.call_id))
        with self._database.writing() as connection:
            known = _one(connection, self._all().where(CONTACT_NOTES.c.note_id == note.note_id))
            if known is not None:
                return _note(known)
            if connection.execute(of_call).scalar_one() >= call_limit:
                return None
            values = {
                "note_id": note.note_id,
                "call_id": note.call_id,
                "customer_id": note.customer_id,
                "author": note.note.author,
                "written_utc_us": note.note.written_utc_us,
                "note": note.note.text,
            }
            self._database.put(connection, CONTACT_NOTES, values)
            return note

    def last_of(self, customer_id: CustomerId, count: int) -> list[ContactNote]:
        """The customer's newest notes, newest first."""
        query = self._all().where(CONTACT_NOTES.c.customer_id == customer_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(CONTACT_NOTES.c.written_utc_us.desc()).limit(count))
            return [_note(row).note for row in rows]

    def newest(self, count: int) -> list[KeptNote]:
        """The newest notes on customers' contacts, by their days; oldest first."""
        query = self._all().where(CONTACT_NOTES.c.customer_id.is_not(None))
        # By day and id there is an index; within a day moments count.
        order = (CONTACT_NOTES.c.business_date.desc(), CONTACT_NOTES.c.note_id.desc())
        with self._database.reading() as connection:
            found = [_note(row) for row in connection.execute(query.order_by(*order).limit(count))]
        return sorted(found, key=lambda each: each.note.written_utc_us)

    def erase_before(self, business_date: str) -> int:
        """Erase what was written before this day, here and at HQ; returns how many notes."""
        count = 0
        while erased := self._erase_some(CONTACT_NOTES.c.business_date < business_date):
            count += erased
        return count

    # --- inside -------------------------------------------------------------------------

    def _erase_some(self, which: ColumnElement[bool]) -> int:
        with self._database.writing() as connection:
            return erase(connection, self._database, which, row_limit=BATCH_SIZE)

    def _all(self) -> Select[Any]:
        return select(CONTACT_NOTES).where(CONTACT_NOTES.c.site_id == self._database.site_id)

    def _of(self, table: Table, call_id: CallId) -> tuple[ColumnElement[bool], ...]:
        return (table.c.site_id == self._database.site_id, table.c.call_id == call_id)

    def _talks(self, call_id: CallId, agent_id: AgentId) -> Select[Any]:
        return select(LEDGER.c.seq).where(
            *self._of(LEDGER, call_id), LEDGER.c.kind == CallConnected.kind, LEDGER.c.agent_id == agent_id
        )

    def _helped(self, call_id: CallId, agent_id: AgentId) -> Select[Any]:
        """By the ledger: the hand-off's own row names the agent who had it last."""
        return (
            select(HANDOFFS.c.peer, HANDOFFS.c.handoff_id)
            .join(
                LEDGER,
                (LEDGER.c.site_id == HANDOFFS.c.site_id) & (LEDGER.c.handoff_id == HANDOFFS.c.handoff_id),
            )
            .where(
                *self._of(LEDGER, call_id),
                LEDGER.c.kind == HandoffConnected.kind,
                LEDGER.c.agent_id == agent_id,
                HANDOFFS.c.role == str(Role.HELPER),
            )
        )

    def _caller(self, connection: Connection, call_id: CallId) -> CustomerId | None:
        found: CustomerId | None = connection.execute(
            select(CALLS.c.customer_id).where(*self._of(CALLS, call_id))
        ).scalar()
        return found

    def _by_number(self, connection: Connection, call_id: CallId) -> CustomerId | None:
        query = (
            select(CUSTOMER_NUMBERS.c.customer_id)
            .join(
                CALLERS,
                (CALLERS.c.site_id == CUSTOMER_NUMBERS.c.site_id)
                & (CALLERS.c.number == CUSTOMER_NUMBERS.c.number),
            )
            .where(*self._of(CALLERS, call_id))
        )
        found: CustomerId | None = connection.execute(query).scalar()
        return found


def erase(
    connection: Connection,
    database: SiteDatabase,
    which: ColumnElement[bool],
    *,
    row_limit: int | None = None,
) -> int:
    """Erase these notes, in the caller's transaction; returns how many."""
    query = select(CONTACT_NOTES.c.note_id).where(CONTACT_NOTES.c.site_id == database.site_id, which)
    note_ids = connection.execute(query.limit(row_limit)).scalars().all()
    for note_id in note_ids:
        database.remove(connection, CONTACT_NOTES, (note_id,), Removal.ERASED)
    return len(note_ids)


def _one(connection: Connection, query: Select[Any]) -> Row[Any] | None:
    return connection.execute(query.limit(1)).first()


def _note(row: Row[Any]) -> KeptNote:
    return KeptNote(
        note_id=row.note_id,
        call_id=CallId(row.call_id),
        customer_id=None if row.customer_id is None else CustomerId(row.customer_id),
        note=ContactNote(written_utc_us=row.written_utc_us, author=row.author, text=row.note),
    )
