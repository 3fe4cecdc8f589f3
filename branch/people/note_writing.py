"""Notes that agents write on contacts: kept by the call's own site, wherever the agent sits.

A helper keeps nothing of another site's customer: its agent's note goes to the origin over the hand-off's
own service, and is refused while that cannot be reached.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from branch.customers.contact_note import Contact, ContactNote, KeptNote
from branch.peers.note_wire import LeftNote
from branch.people.refusals import (
    ContactNotYoursError,
    NoteLimitError,
    RequestIdReusedError,
    UnknownContactError,
)
from router.ids import AgentId, CallId, HandoffId, SiteId
from sync.clock import Clock

CALL_LIMIT = 20
"""Notes on one call: far more than anybody writes by hand."""


class NoteRecords(Protocol):
    """The part of the store that keeps notes; its calls block."""

    def contact(self, call_id: CallId, agent_id: AgentId) -> Contact | None:
        """The call, when this site's agent has talked on it."""
        ...

    def knows(self, call_id: CallId) -> bool:
        """Whether the site has ever had to do with this call."""
        ...

    def given_away(self, handoff_id: HandoffId, peer: SiteId) -> Contact | None:
        """This site's own call that an agent of `peer` has talked on by that hand-off."""
        ...

    def add(self, note: KeptNote, *, call_limit: int) -> KeptNote | None:
        """What is kept under the note's id afterwards; None: the call has enough of them."""
        ...


class NoteWriting:
    """One site's notes, from its own desks and from those of sites that help it."""

    def __init__(
        self,
        *,
        records: NoteRecords,
        note: Callable[[KeptNote], None],
        leave: Callable[[SiteId, LeftNote], Awaitable[None]],
        clock: Clock,
    ) -> None:
        """`note` is told of each note that is kept here. `leave` brings one to the call's own site, and
        raises RouterError where that refuses or is away.
        """
        self._records = records
        self._note = note
        self._leave = leave
        self._clock = clock

    async def write(self, agent_id: AgentId, call_id: CallId, note_id: str, text: str) -> None:
        """Keep the note, or have the call's own site keep it. Repeated with its id, it is kept once.

        Raises:
            UnknownContactError: the site knows nothing of such a call.
            ContactNotYoursError: others have talked on it, or nobody yet.
            NoteLimitError: there are enough notes on it.
            RequestIdReusedError: another note has this id.
            RouterError: it is another site's call, and that site refuses or is away.
        """
        contact = await asyncio.to_thread(self._records.contact, call_id, agent_id)
        if contact is None:
            is_known = await asyncio.to_thread(self._records.knows, call_id)
            raise ContactNotYoursError(call_id) if is_known else UnknownContactError(call_id)
        if contact.origin is not None and contact.handoff_id is not None:
            left = LeftNote(handoff_id=contact.handoff_id, note_id=note_id, author=agent_id, text=text)
            await self._leave(contact.origin, left)
        else:
            await self.keep(contact, note_id, agent_id, text)

    async def take(self, site_id: SiteId, left: LeftNote) -> None:
        """Keep what an agent of another site wrote on a call of ours.

        Raises:
            UnknownContactError: that site had no call of ours by this hand-off, or never talked on it.
            NoteLimitError, RequestIdReusedError: as `write`.
        """
        contact = await asyncio.to_thread(self._records.given_away, left.handoff_id, site_id)
        if contact is None:
            raise UnknownContactError(left.handoff_id)
        await self.keep(contact, left.note_id, left.author, left.text)

    async def keep(self, contact: Contact, note_id: str, author: str, text: str) -> None:
        """Keep a note on a call of this site's own, whoever may have written it.

        Raises:
            NoteLimitError, RequestIdReusedError: as `write`.
        """
        written = ContactNote(written_utc_us=self._clock.utc_us(), author=author, text=text)
        wanted = KeptNote(
            note_id=note_id, call_id=contact.call_id, customer_id=contact.customer_id, note=written
        )
        kept = await asyncio.to_thread(self._records.add, wanted, call_limit=CALL_LIMIT)
        if kept is None:
            raise NoteLimitError(contact.call_id)
        if (kept.call_id, kept.note.author, kept.note.text) != (contact.call_id, author, text):
            raise RequestIdReusedError(note_id)
        self._note(kept)
