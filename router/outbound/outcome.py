"""What a call that went out came to."""

from enum import StrEnum


class OutboundOutcome(StrEnum):
    """Exactly one each, written by the site whose agent was to talk."""

    ANSWERED = "ANSWERED"
    """The customer and the agent talked."""
    BUSY = "BUSY"
    NO_ANSWER = "NO_ANSWER"
    """The customer's phone rang as long as it may."""
    FAILED = "FAILED"
    """The line, the trunk or the number did not work."""
    AGENT_MISSED = "AGENT_MISSED"
    """The agent's own phone was not answered: nobody was dialled."""
    AGENT_GAVE_UP = "AGENT_GAVE_UP"
    """The agent hung up before the customer answered."""
    NO_NUMBER = "NO_NUMBER"
    """The caller withheld the number, or it was erased."""
    NOT_ALLOWED = "NOT_ALLOWED"
    """Barred, or no route leads there; or the site that has the line refuses."""
    NO_LINE = "NO_LINE"
    """The route names a line that is not there, or a site that does not answer."""
    LIMIT = "LIMIT"
    """The line has as many calls as it may."""
    INTERRUPTED = "INTERRUPTED"
    """The process or its PBX ended before the customer answered."""


IMPOSSIBLE = frozenset({OutboundOutcome.NO_NUMBER, OutboundOutcome.NOT_ALLOWED})
"""Trying again changes nothing."""
