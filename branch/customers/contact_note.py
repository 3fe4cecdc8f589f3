"""What people write on contacts with customers: personal data, kept in an erasable table and in no log."""

from dataclasses import dataclass, field

from router.ids import CallId, CustomerId, HandoffId, SiteId

NOTE_LIMIT_CHARS = 500
SHOWN_LIMIT = 3
"""Of a customer's notes the newest so many stand on its card: with the above, 6 KB at most on the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactNote:
    """One note as people are shown it."""

    written_utc_us: int
    author: str
    """By the id in the cluster, as urumqi/2001."""
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNote:
    """One note as its site keeps it."""

    note_id: str
    call_id: CallId
    customer_id: CustomerId | None
    """None: the caller was nobody that the site knew."""
    note: ContactNote


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A call that somebody has talked on."""

    call_id: CallId
    customer_id: CustomerId | None
    origin: SiteId | None = None
    """Whose call it was; None for this site's own."""
    handoff_id: HandoffId | None = None
    """By which it came from there."""
