"""How far a call that goes out has come."""

from enum import StrEnum


class OutboundState(StrEnum):
    RINGING = "RINGING"
    """The agent's own phone rings; nobody was dialled yet."""
    FINDING = "FINDING"
    """The agent waits; the number is looked up."""
    ASKING = "ASKING"
    """The site that has the line is asked for it."""
    DIALING = "DIALING"
    """The customer's phone is dialled, or rings."""
    TALKING = "TALKING"
    HELD = "HELD"


TALKS = frozenset({OutboundState.TALKING, OutboundState.HELD})
