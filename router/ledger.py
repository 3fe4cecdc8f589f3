"""The call ledger's entries: what a site writes down, one class a kind.

An entry says only what happened; the row around it says where and when. KPIs, CDRs,
recovery after a restart, the explanation of a call and the nightly consolidation all
derive from rows. A caller's number never stands in one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar

from router.agent import AgentState, RingFailure
from router.call import Disposition, Language
from router.callback.outcome import CallbackOutcome
from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    Instant,
    LegId,
    LineId,
    NodeName,
    QueueId,
    RecordingId,
    SiteId,
    Skill,
)
from router.outbound.outcome import OutboundOutcome
from router.talk.recording_acts import RecordingEnd
from router.talk.supervision import SupervisionEnd, SupervisionMode


class Role(StrEnum):
    """On which side of a hand-off the writer stands."""

    ORIGIN = "ORIGIN"
    HELPER = "HELPER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact of a site. Subclasses set `kind`, the name that the table stores."""

    kind: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """An entry with its place and time. `(site_id, seq)` is the key.

    `mono_ms` is comparable only between rows of one `incarnation` of one site; durations
    that span a restart use `at_utc_us`.
    """

    site_id: SiteId
    seq: int
    at_utc_us: int
    mono_ms: Instant
    incarnation: int
    business_date: str
    """ISO date in the site's own time zone."""
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived(Entry):
    kind: ClassVar[str] = "CALL_ARRIVED"
    call_id: CallId
    dialled: str
    """What was dialled, as the trunk said it."""
    customer_id: CustomerId | None


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentified(Entry):
    """The caller has entered a customer's number."""

    kind: ClassVar[str] = "CUSTOMER_IDENTIFIED"
    call_id: CallId
    customer_id: CustomerId
    customer_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQueued(Entry):
    """The first request for a person: the service-level clock starts at this row."""

    kind: ClassVar[str] = "CALL_QUEUED"
    call_id: CallId
    queue_id: QueueId
    skills: tuple[Skill, ...]
    priority: int
    customer_id: CustomerId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced(Entry):
    kind: ClassVar[str] = "ANNOUNCED"
    call_id: CallId
    queue_id: QueueId
    position: int | None
    expected_wait_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOffered(Entry):
    """`call_id` rings, or will ring, `agent_id` at this site."""

    kind: ClassVar[str] = "AGENT_OFFERED"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId
    queue_id: QueueId
    handoff_id: HandoffId | None
    """Set at a helper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRang(Entry):
    kind: ClassVar[str] = "AGENT_RANG"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class RingFailed(Entry):
    kind: ClassVar[str] = "RING_FAILED"
    call_id: CallId
    leg_id: LegId
    agent_id: AgentId
    queue_id: QueueId
    reason: RingFailure


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallHeld(Entry):
    kind: ClassVar[str] = "HELD"
    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResumed(Entry):
    kind: ClassVar[str] = "RESUMED"
    call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(Entry):
    """`agent_id` has handed the caller on, into a queue or to one agent; the call keeps its seniority."""

    kind: ClassVar[str] = "TRANSFERRED"
    call_id: CallId
    agent_id: AgentId
    to_queue: QueueId | None
    to_agent: AgentId | None
    to_leg: LegId | None = None
    """Attended: the answered leg on which the caller goes on talking at once. None: blind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consulted(Entry):
    """`agent_id`, who has the caller, rings `to_agent` beside the call: no offer of it."""

    kind: ClassVar[str] = "CONSULTED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    """The one that rings."""
    to_agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationConnected(Entry):
    kind: ClassVar[str] = "CONSULTATION_CONNECTED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    to_agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationEnded(Entry):
    """Without a transfer, which ends it too, as the end of the call does."""

    kind: ClassVar[str] = "CONSULTATION_ENDED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    to_agent: AgentId
    reason: str
    """A RingFailure, or a router.talk.consultation.ConsultationEnd."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallConferenced(Entry):
    """Caller, `agent_id` and `with_agent` talk together, until a HELD or the consultation's end."""

    kind: ClassVar[str] = "CONFERENCED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    """That of `with_agent`."""
    with_agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitored(Entry):
    """A supervisor is beside the talk of `agent_id` from now on, in this way; written for each change."""

    kind: ClassVar[str] = "MONITORED"
    call_id: CallId
    agent_id: AgentId
    supervisor: str
    """The person's id at the site."""
    mode: SupervisionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringEnded(Entry):
    kind: ClassVar[str] = "MONITORING_ENDED"
    call_id: CallId
    agent_id: AgentId
    supervisor: str
    reason: SupervisionEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(Entry):
    """The talk of `leg_id` is recorded from here on."""

    kind: ClassVar[str] = "RECORDING_STARTED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId
    leg_id: LegId
    queue_id: QueueId
    retention_days: int
    """By the queue's policy of this moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPaused(Entry):
    kind: ClassVar[str] = "RECORDING_PAUSED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingResumed(Entry):
    kind: ClassVar[str] = "RECORDING_RESUMED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded(Entry):
    """By the agent, with the talk, or by the PBX; a talk's end comes first where both are of one moment."""

    kind: ClassVar[str] = "RECORDING_ENDED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId
    duration_ms: int
    """Pauses left out."""
    reason: RecordingEnd


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapupEnded(Entry):
    kind: ClassVar[str] = "WRAPUP_ENDED"
    call_id: CallId
    agent_id: AgentId
    wrapup_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why this site was chosen: what `trunkline explain` prints."""

    rule: str
    """PUSH_BY_SCORE, PUSH_AT_RANDOM, PUSH_BLIND, PULL_LONGEST_WAIT, PULL_BLIND, or CLAIMED."""
    view_age_ms: int | None
    candidates: tuple[tuple[SiteId, int, float], ...]
    """Each with the version of its record and its score in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffAsked(Entry):
    kind: ClassVar[str] = "HANDOFF_ASKED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    """None for a claim: the origin says which call it gives."""
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRefused(Entry):
    kind: ClassVar[str] = "HANDOFF_REFUSED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffReserved(Entry):
    """An agent is kept: written by the helper when it does, by the origin when it hears so."""

    kind: ClassVar[str] = "HANDOFF_RESERVED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    agent_id: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDialed(Entry):
    """Committed at the origin before the INVITE leaves."""

    kind: ClassVar[str] = "HANDOFF_DIALED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    decision: Decision | None
    """Set when a claim led here without an ask of our own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRang(Entry):
    """At the origin: the helper's agent rings, the call has left its place in the queue."""

    kind: ClassVar[str] = "HANDOFF_RANG"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffConnected(Entry):
    """At the helper: its agent answered. At the origin: caller and trunk are bridged."""

    kind: ClassVar[str] = "HANDOFF_CONNECTED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId
    agent_id: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffConfirmed(Entry):
    """At the helper: the origin said that it bridged. Only these count as overflow in."""

    kind: ClassVar[str] = "HANDOFF_CONFIRMED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffExpired(Entry):
    kind: ClassVar[str] = "HANDOFF_EXPIRED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCancelled(Entry):
    kind: ClassVar[str] = "HANDOFF_CANCELLED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffEnded(Entry):
    """A connected hand-off is over; the helper writes its agent's talk time."""

    kind: ClassVar[str] = "HANDOFF_ENDED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId
    agent_id: AgentId | None
    talk_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequested(Entry):
    kind: ClassVar[str] = "CALLBACK_REQUESTED"
    call_id: CallId
    queue_id: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackTried(Entry):
    """One try is over: the call that went out for it says the rest."""

    kind: ClassVar[str] = "CALLBACK_TRIED"
    call_id: CallId
    """The call in which the callback was asked for."""
    outbound_id: CallId
    outcome: OutboundOutcome
    is_counted: bool
    """The customer was dialled: it counts towards the limit of tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackDone(Entry):
    """The one ending of a callback."""

    kind: ClassVar[str] = "CALLBACK_DONE"
    call_id: CallId
    outcome: CallbackOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundBegan(Entry):
    """An agent is idle, or wants to dial, and is rung first. Never an offered call."""

    kind: ClassVar[str] = "OUTBOUND_BEGAN"
    call_id: CallId
    """Of the call that goes out."""
    agent_id: AgentId
    queue_id: QueueId
    callback_of: CallId | None
    """The call in which the customer asked for it; None when the agent dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundAnswered(Entry):
    kind: ClassVar[str] = "OUTBOUND_ANSWERED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLent(Entry):
    """Another site's agent dials out of a line of ours; committed before the line is dialled."""

    kind: ClassVar[str] = "LINE_LENT"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    """The other site's."""
    line_id: LineId


@dataclass(frozen=True, slots=True, kw_only=True)
class LineReturned(Entry):
    kind: ClassVar[str] = "LINE_RETURNED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    line_id: LineId
    outcome: OutboundOutcome
    talk_ms: int
    """From the customer's answer to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailBegan(Entry):
    """The caller left the queue to leave a message: no agent is looked for any more."""

    kind: ClassVar[str] = "VOICEMAIL_BEGAN"
    call_id: CallId
    queue_id: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailLeft(Entry):
    kind: ClassVar[str] = "VOICEMAIL_LEFT"
    call_id: CallId
    queue_id: QueueId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedIn(Entry):
    kind: ClassVar[str] = "AGENT_LOGGED_IN"
    agent_id: AgentId
    skills: tuple[Skill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedOut(Entry):
    kind: ClassVar[str] = "AGENT_LOGGED_OUT"
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged(Entry):
    kind: ClassVar[str] = "AGENT_STATE"
    agent_id: AgentId
    state: AgentState
    reason: str | None
    """A not-ready reason of the site's list, or why the state was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChanged(Entry):
    kind: ClassVar[str] = "POLICY_CHANGED"
    queue_id: QueueId
    version: int
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class IvrFlowChanged(Entry):
    """Another flow holds from here on, for calls in it too."""

    kind: ClassVar[str] = "IVR_FLOW_CHANGED"
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted(Entry):
    kind: ClassVar[str] = "NODE_STARTED"
    version: str
    readopted_call_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDrained(Entry):
    kind: ClassVar[str] = "NODE_DRAINED"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped(Entry):
    kind: ClassVar[str] = "CLOCK_STEPPED"
    by_ms: int
    """Wall clock against monotonic clock; negative when it went back."""


# A dataclass with slots is a second class made from the first: the later one wins here.
KINDS: Mapping[str, type[Entry]] = {cls.kind: cls for cls in Entry.__subclasses__()}
"""Every entry class by its kind."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(field.name for field in fields(cls)) for kind, cls in KINDS.items()
}
