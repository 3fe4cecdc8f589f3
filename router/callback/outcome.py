"""How a request to be called back ended."""

from enum import StrEnum


class CallbackOutcome(StrEnum):
    """Exactly one each."""

    REACHED = "REACHED"
    NOT_REACHED = "NOT_REACHED"
    """Dialled as often as the policy says, in vain."""
    NO_NUMBER = "NO_NUMBER"
    """The caller withheld the number, or it was erased."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """The site's routes do not let this number be dialled."""
    QUEUE_REMOVED = "QUEUE_REMOVED"
