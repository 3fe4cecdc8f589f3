"""The cards of all live calls: the site's own callers', and those that other sites sent with theirs."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from branch.customers.caller_card import CallerCard, IvrChoice
from branch.customers.contact_note import ContactNote
from branch.desk.desk import CallerNumber
from router.call import Language
from router.ids import CallId, CustomerId, HandoffId
from router.ledger import (
    CallArrived,
    CallEnded,
    CallQueued,
    CustomerIdentified,
    HandoffCancelled,
    HandoffEnded,
    HandoffExpired,
    HandoffPromised,
    HandoffRefused,
    HandoffTakenIn,
    IvrChose,
    IvrEntered,
    LedgerRow,
)
from router.overflow.redirect_words import PROMISED

GUEST_LIMIT = 20_000
CALLER_LIMIT = 100_000
"""Far above what lives at once: only a call that was turned away leaves its card behind."""

_CHOICE_LIMIT = 20
"""A caller who goes round in a menu fills no screen: the last steps count."""


class KnownAs(Protocol):
    """A customer, as far as it is shown."""

    @property
    def name(self) -> str: ...
    @property
    def customer_class(self) -> str: ...
    @property
    def region(self) -> str | None: ...


class CustomerNames(Protocol):
    """Whom the site knows."""

    def known_as(self, customer_id: CustomerId) -> KnownAs | None:
        """None: there is no such customer. Returns at once."""
        ...


class CustomerNotes(Protocol):
    """What was written on customers' last contacts."""

    def last_of(self, customer_id: CustomerId) -> tuple[ContactNote, ...]:
        """Newest first, as far as they are in memory. Returns at once."""
        ...

    def look_up_soon(self, customer_id: CustomerId) -> None:
        """The customer calls: see whether anything was written or erased. Returns at once."""
        ...


@dataclass(slots=True)
class _Caller:
    number: str | None = None
    customer_id: CustomerId | None = None
    language: Language | None = None
    choices: list[IvrChoice] = field(default_factory=list)
    told: CallerCard = field(default_factory=CallerCard)
    """Of a caller whom another site has sent here: what that site knew."""


class CallerCards:
    """Written from numbers and rows as they come, read when a phone is to ring."""

    def __init__(self, customers: CustomerNames, notes: CustomerNotes) -> None:
        self._customers = customers
        self._notes = notes
        self._callers: OrderedDict[CallId, _Caller] = OrderedDict()
        self._guests: OrderedDict[HandoffId, CallerCard] = OrderedDict()
        self._promised: OrderedDict[HandoffId, None] = OrderedDict()
        """Redirected callers who may still come, and who will be the site's own then."""
        self.version = 0
        """Grows with every card of another site: one that comes late comes without a row."""

    # --- the site's own callers --------------------------------------------------------

    def note_caller(self, caller: CallerNumber) -> None:
        """Somebody calls; the rows about the call come after this."""
        self._caller(caller.call_id).number = caller.number

    def note_rows(self, rows: Sequence[LedgerRow]) -> None:
        for row in rows:
            self._note(row)

    def take_up(self, call_id: CallId, number: str | None, rows: Iterable[LedgerRow]) -> None:
        """A call that the process before this one took in."""
        self._caller(call_id).number = number
        for row in rows:
            self._note(row)

    def card_of(self, call_id: CallId) -> CallerCard | None:
        """None: no live call of ours."""
        caller = self._callers.get(call_id)
        if caller is None:
            return None
        customer_id = caller.customer_id
        known = None if customer_id is None else self._customers.known_as(customer_id)
        told = caller.told
        return CallerCard(
            number=caller.number,
            name=told.name if known is None else known.name,
            customer_class=told.customer_class if known is None else known.customer_class,
            region=told.region if known is None else known.region,
            language=caller.language or told.language,
            choices=tuple(caller.choices) or told.choices,
            notes=told.notes if known is None or customer_id is None else self._notes.last_of(customer_id),
        )

    # --- other sites' ------------------------------------------------------------------

    def keep_guest(self, handoff_id: HandoffId, card: CallerCard) -> None:
        """Until the hand-off is over."""
        self._guests[handoff_id] = card
        self.version += 1
        if len(self._guests) > GUEST_LIMIT:
            self._guests.popitem(last=False)

    def guest(self, handoff_id: HandoffId) -> CallerCard | None:
        """None: its site sent no card, or sent it to the process before this one and was not asked yet."""
        return self._guests.get(handoff_id)

    def number_told(self, handoff_id: HandoffId) -> str | None:
        """None: withheld, or told to nobody of this process."""
        guest = self._guests.get(handoff_id)
        return None if guest is None else guest.number

    # --- inside ------------------------------------------------------------------------

    def _caller(self, call_id: CallId) -> _Caller:
        caller = self._callers.setdefault(call_id, _Caller())
        if len(self._callers) > CALLER_LIMIT:
            self._callers.popitem(last=False)
        return caller

    def _note_customer(self, caller: _Caller, customer_id: CustomerId) -> None:
        if caller.customer_id != customer_id:
            caller.customer_id = customer_id
            self._notes.look_up_soon(customer_id)

    def _note(self, row: LedgerRow) -> None:
        match row.entry:
            case CallArrived() | CallQueued() | CustomerIdentified() as entry:
                if entry.customer_id is not None:
                    self._note_customer(self._caller(entry.call_id), entry.customer_id)
            case IvrEntered() as entry:
                self._caller(entry.call_id).language = entry.language
            case IvrChose() as entry:
                caller = self._caller(entry.call_id)
                caller.language = entry.language
                caller.choices.append(IvrChoice(node=entry.node, choice=entry.choice))
                del caller.choices[:-_CHOICE_LIMIT]
            case CallEnded() as entry:
                self._callers.pop(entry.call_id, None)
            case HandoffPromised() as entry:
                self._note_promised(entry.handoff_id)
            case HandoffEnded() | HandoffExpired() | HandoffCancelled() | HandoffRefused() | HandoffTakenIn():
                self._note_guest_left(row.entry)

    def _note_promised(self, handoff_id: HandoffId) -> None:
        self._promised[handoff_id] = None
        if len(self._promised) > GUEST_LIMIT:
            self._promised.popitem(last=False)

    def _note_guest_left(
        self,
        entry: HandoffEnded | HandoffExpired | HandoffCancelled | HandoffRefused | HandoffTakenIn,
    ) -> None:
        is_promised = entry.handoff_id in self._promised
        if isinstance(entry, HandoffExpired) and is_promised and entry.stage != PROMISED:
            return  # Only its agent is free: it may still come.
        self._promised.pop(entry.handoff_id, None)
        card = self._guests.pop(entry.handoff_id, None)
        if isinstance(entry, HandoffTakenIn) and card is not None:
            self._caller(entry.call_id).told = card
