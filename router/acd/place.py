"""Where an agent is reached: its own phone, or a number of the public network."""

from dataclasses import dataclass

from router.errors import InvalidPolicyError

PLACE_LIMIT = 5
"""Of one agent; a caller waits through all of them."""

PLACE_RING_LIMIT_MS = 120_000
"""Of one place, and of all places of an offer together: others may be idle meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One stop on the way to an agent."""

    number: str | None = None
    """E.164; None: the agent's own phone at the site's PBX."""
    ring_limit_ms: int | None = None
    """None: as long as the offer would ring the agent's own phone."""

    def __post_init__(self) -> None:
        """Raises:
        InvalidPolicyError: a ring that nobody could hear, or would wait for.
        """
        if self.ring_limit_ms is not None and not 0 < self.ring_limit_ms <= PLACE_RING_LIMIT_MS:
            problem = f"must be above 0 and at most {PLACE_RING_LIMIT_MS}, is {self.ring_limit_ms}"
            raise InvalidPolicyError("place, ring_limit_ms", problem)


OWN_PHONE = (Place(),)
"""Where an agent is reached who has said nothing else."""
