"""What people are told of a caller before they talk: at its own site, and at the one that helps."""

from dataclasses import dataclass

from branch.customers.contact_note import ContactNote
from router.call import Language
from router.ids import NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class IvrChoice:
    """One step through the IVR."""

    node: NodeName
    choice: str
    """As the ledger has it: a key, a customer's class, OPEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerCard:
    """As far as the caller's own site knows; in memory and on screens only."""

    number: str | None = None
    """E.164; None when it was withheld."""
    name: str | None = None
    customer_class: str | None = None
    region: str | None = None
    language: Language | None = None
    choices: tuple[IvrChoice, ...] = ()
    notes: tuple[ContactNote, ...] = ()
    """Of the customer's last contacts, newest first."""
