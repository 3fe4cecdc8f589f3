"""A caller's way at its own site, from arrival to the one ending."""

from typing import ClassVar

from router.agent import RingFailure
from router.call import Disposition, Language
from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    LegId,
    LineId,
    NodeName,
    QueueId,
    SiteId,
    Skill,
)
from router.ledger.entry import Entry
from router.values import value


@value
class CallArrived(Entry):
    kind: ClassVar[str] = "CALL_ARRIVED"
    call_id: CallId
    dialled: str
    """What was dialled, as the trunk said it."""
    customer_id: CustomerId | None


@value
class IvrEntered(Entry):
    """The call is in the site's flow, and with nobody: until CALL_QUEUED it was not offered."""

    kind: ClassVar[str] = "IVR_ENTERED"
    call_id: CallId
    queue_id: QueueId
    """The dialled line's own: where the flow leads if it names no other."""
    priority: int
    skills: tuple[Skill, ...]
    customer_class: str | None
    """Known by the number that calls."""
    language: Language


@value
class IvrChose(Entry):
    """The call has left one node of the flow for another."""

    kind: ClassVar[str] = "IVR_CHOSE"
    call_id: CallId
    node: NodeName
    choice: str
    """A menu's key, a customer's class, OPEN, CLOSED, HOLIDAY, PLAYED, FOUND, NOTHING (no try is
    left) or NODE_REMOVED; never what was entered as a number."""
    to_node: NodeName
    language: Language
    """Spoken from here on."""


@value
class CustomerIdentified(Entry):
    """The caller has entered a customer's number."""

    kind: ClassVar[str] = "CUSTOMER_IDENTIFIED"
    call_id: CallId
    customer_id: CustomerId
    customer_class: str


@value
class CallQueued(Entry):
    """The first request for a person: the service-level clock starts at this row."""

    kind: ClassVar[str] = "CALL_QUEUED"
    call_id: CallId
    queue_id: QueueId
    skills: tuple[Skill, ...]
    priority: int
    customer_id: CustomerId | None
    waited_before_ms: int | None = None
    """Of a caller whom another site sent here: its wait since it first asked for a person there."""


@value
class Announced(Entry):
    kind: ClassVar[str] = "ANNOUNCED"
    call_id: CallId
    queue_id: QueueId
    position: int | None
    expected_wait_s: int | None


@value
class AgentOffered(Entry):
    """`call_id` rings, or will ring, `agent_id` of this site, at its phone or outside."""

    kind: ClassVar[str] = "AGENT_OFFERED"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId
    queue_id: QueueId
    handoff_id: HandoffId | None
    """Set at a helper."""
    line_id: LineId | None = None
    """The line to a number outside; None: the agent's own phone."""
    after_leg: LegId | None = None
    """The same offer, which rang there in vain."""


@value
class AgentRang(Entry):
    kind: ClassVar[str] = "AGENT_RANG"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId


@value
class RingFailed(Entry):
    kind: ClassVar[str] = "RING_FAILED"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId
    queue_id: QueueId
    reason: RingFailure


@value
class CallConnected(Entry):
    """The caller talks to a person for the first time, or again after a transfer."""

    kind: ClassVar[str] = "CALL_CONNECTED"
    call_id: CallId
    queue_id: QueueId
    agent_id: AgentId | None
    """None when a helper's agent serves: the helper's own rows name it."""
    leg_id: LegId | None
    handoff_id: HandoffId | None
    served_by: SiteId
    waited_ms: int
    """From the first CALL_QUEUED to this answer, ring and set-up included."""


@value
class CallHeld(Entry):
    kind: ClassVar[str] = "HELD"
    call_id: CallId
    agent_id: AgentId


@value
class CallResumed(Entry):
    kind: ClassVar[str] = "RESUMED"
    call_id: CallId
    agent_id: AgentId


@value
class CallTransferred(Entry):
    """`agent_id` has handed the caller on, into a queue or to one agent; the call keeps its seniority."""

    kind: ClassVar[str] = "TRANSFERRED"
    call_id: CallId
    agent_id: AgentId
    to_queue: QueueId | None
    to_agent: AgentId | None
    to_leg: LegId | None = None
    """Attended: the answered leg on which the caller goes on talking at once. None: blind."""


@value
class CallEnded(Entry):
    """The one terminal row of a call, written by its origin."""

    kind: ClassVar[str] = "CALL_ENDED"
    call_id: CallId
    queue_id: QueueId | None
    disposition: Disposition
    reason: str | None
    waited_ms: int
    """Until the answer, or until the end when nobody answered; from the first CALL_QUEUED."""
    talk_ms: int
    hold_ms: int
    is_short: bool
    """Abandoned within the queue's short-abandon limit."""


@value
class WrapupEnded(Entry):
    kind: ClassVar[str] = "WRAPUP_ENDED"
    call_id: CallId
    agent_id: AgentId
    wrapup_ms: int


@value
class VoicemailBegan(Entry):
    """The caller left the queue to leave a message: no agent is looked for any more."""

    kind: ClassVar[str] = "VOICEMAIL_BEGAN"
    call_id: CallId
    queue_id: QueueId


@value
class VoicemailLeft(Entry):
    kind: ClassVar[str] = "VOICEMAIL_LEFT"
    call_id: CallId
    queue_id: QueueId
