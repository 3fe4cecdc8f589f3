"""Callbacks, calls that go out, and lines lent to other sites."""

from typing import ClassVar

from router.callback.outcome import CallbackOutcome
from router.ids import (
    AgentId,
    CallId,
    HandoffId,
    LegId,
    LineId,
    QueueId,
    SiteId,
)
from router.ledger.entry import Entry
from router.outbound.outcome import OutboundOutcome
from router.values import value


@value
class CallbackRequested(Entry):
    kind: ClassVar[str] = "CALLBACK_REQUESTED"
    call_id: CallId
    queue_id: QueueId


@value
class CallbackTried(Entry):
    """One try is over: the call that went out for it says the rest."""

    kind: ClassVar[str] = "CALLBACK_TRIED"
    call_id: CallId
    """The call in which the callback was asked for."""
    outbound_id: CallId
    outcome: OutboundOutcome
    is_counted: bool
    """The customer was dialled: it counts towards the limit of tries."""


@value
class CallbackDone(Entry):
    """The one ending of a callback."""

    kind: ClassVar[str] = "CALLBACK_DONE"
    call_id: CallId
    outcome: CallbackOutcome


@value
class OutboundBegan(Entry):
    """An agent is idle, or wants to dial, and is rung first. Never an offered call."""

    kind: ClassVar[str] = "OUTBOUND_BEGAN"
    call_id: CallId
    """Of the call that goes out."""
    agent_id: AgentId
    queue_id: QueueId
    callback_of: CallId | None
    """The call in which the customer asked for it; None when the agent dialled."""


@value
class OutboundDialed(Entry):
    """Committed before anything leaves for the line. The number stands in no row."""

    kind: ClassVar[str] = "OUTBOUND_DIALED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    via: SiteId
    """Whose line it is."""
    line_id: LineId
    is_emergency: bool
    handoff_id: HandoffId | None
    """The trunk to that site; None for a line of our own."""


@value
class OutboundAnswered(Entry):
    kind: ClassVar[str] = "OUTBOUND_ANSWERED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId


@value
class OutboundEnded(Entry):
    """The one terminal row of a call that went out."""

    kind: ClassVar[str] = "OUTBOUND_ENDED"
    call_id: CallId
    agent_id: AgentId
    outcome: OutboundOutcome
    via: SiteId | None
    line_id: LineId | None
    """Both None when nothing was dialled."""
    ring_ms: int
    """From dialling to the customer's answer, or to the end without one; 0 when nothing was dialled."""
    talk_ms: int
    hold_ms: int


@value
class LineLent(Entry):
    """Another site's agent dials out of a line of ours; committed before the line is dialled."""

    kind: ClassVar[str] = "LINE_LENT"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    """The other site's."""
    line_id: LineId


@value
class LineReturned(Entry):
    kind: ClassVar[str] = "LINE_RETURNED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    line_id: LineId
    outcome: OutboundOutcome
    talk_ms: int
    """From the customer's answer to the end."""
