"""Of calls that go out."""

from router.ids import (
    AgentId,
    CallId,
)
from router.outbound.outcome import OutboundOutcome
from router.values import value


@value
class DialAsked:
    """An agent wants to be joined with whoever answers at `number`; its own phone is rung first."""

    agent_id: AgentId
    call_id: CallId
    """Made by the shell, which keeps the number under it."""
    number: str
    """E.164, or an emergency number as it is dialled."""


@value
class NumberFound:
    """The answer to `FindNumber`."""

    call_id: CallId
    number: str | None
    """E.164; None when it was withheld or erased."""


@value
class LineAnswered:
    """The customer has answered the call that went out."""

    call_id: CallId


@value
class LineFailed:
    """The customer did not answer, and never will for this call."""

    call_id: CallId
    outcome: OutboundOutcome


@value
class LineHungUp:
    """The customer hung up, having answered."""

    call_id: CallId


@value
class CallingHoursChanged:
    """Customers may be called from now on, or not any more; none are until this is told."""

    is_open: bool
