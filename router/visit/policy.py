"""Which answered callers are visited again, when, and how persistently."""

from dataclasses import dataclass

from router.errors import InvalidPolicyError
from router.ids import QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPolicy:
    """The hours are the shell's."""

    share: float = 0.0
    """Of a day's answered calls, 0 to 1; nobody by default."""
    after_days: int = 2
    """Business days from the call's to the one on which its visit is due."""
    queues: frozenset[QueueId] = frozenset()
    """Whose calls are looked at; empty: all."""
    try_limit: int = 3
    """Dialled in vain so often, the customer is not called any more."""
    pause_s: int = 3_600
    """From the end of one try to the next."""

    def __post_init__(self) -> None:
        """Raises:
        InvalidPolicyError: a value the list could not carry out.
        """
        if not 0.0 <= self.share <= 1.0:
            raise InvalidPolicyError("visits, share", f"must be 0 to 1, is {self.share}")
        for name in ("after_days", "try_limit", "pause_s"):
            if getattr(self, name) <= 0:
                raise InvalidPolicyError(f"visits, {name}", f"must be above 0, is {getattr(self, name)}")
