"""How a return visit ended."""

from enum import StrEnum


class VisitOutcome(StrEnum):
    """Exactly one each."""

    REACHED = "REACHED"
    NOT_REACHED = "NOT_REACHED"
    """Dialled as often as the policy says, in vain."""
    NO_NUMBER = "NO_NUMBER"
    """The caller's number was erased since."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """The site's routes do not let this number be dialled."""
    REMOVED = "REMOVED"
    """Somebody at the site, an agent too, took it off the list."""
