"""How persistently callers who asked for it are called back."""

from dataclasses import dataclass

from router.errors import InvalidPolicyError


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackPolicy:
    """The hours are the shell's: the floor is told when they begin and end."""

    try_limit: int = 3
    """Dialled in vain so often, the customer is not called any more."""
    pause_ms: int = 600_000
    """Between the end of one try and the next; the place in the queue is kept."""

    def __post_init__(self) -> None:
        """Raises:
        InvalidPolicyError: a value the machine could not carry out.
        """
        if self.try_limit <= 0:
            raise InvalidPolicyError("callback, try_limit", f"must be above 0, is {self.try_limit}")
        if self.pause_ms <= 0:
            raise InvalidPolicyError("callback, pause_ms", f"must be above 0, is {self.pause_ms}")
