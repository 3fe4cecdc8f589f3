"""What a restarted site picks up again: open work by the ledger, live media by the PBX.

The ledger says what each open call, hand-off and session was; the PBX says which channels
still live. `Floor.resume` joins the two: what lives goes on, what does not is ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.acd.place import Place
from router.agent import AgentState
from router.call import CallContext, CallState, Language
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
    Skills,
)
from router.ledger import Role


class MediaState(StrEnum):
    RINGING = "RINGING"
    UP = "UP"
    """Answered and not joined with anybody."""
    BRIDGED = "BRIDGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLeg:
    """An agent's channel that the PBX still holds."""

    leg_id: LegId
    agent_id: AgentId
    call_id: CallId
    handoff_id: HandoffId | None
    state: MediaState
    line_id: LineId | None = None
    """The line that it leads outside by; None: the agent's own phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTrunk:
    """A trunk channel that the PBX still holds, named after its hand-off."""

    handoff_id: HandoffId
    peer: SiteId
    role: Role
    call_id: CallId | None
    """Known to the origin's PBX only."""
    state: MediaState
    is_moved: bool = False
    """The helper's: the caller's own carrier is on this leg, and not the origin's PBX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLine:
    """A channel on a line to the public network that the PBX still holds, named after its call."""

    call_id: CallId
    state: MediaState


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """All that a PBX holds of one site's application, at one moment."""

    callers: frozenset[CallId] = frozenset()
    legs: Mapping[LegId, LiveLeg] = field(default_factory=dict)
    trunks: Mapping[HandoffId, LiveTrunk] = field(default_factory=dict)
    lines: Mapping[CallId, LiveLine] = field(default_factory=dict)
    is_same_run: bool = True
    """False when the PBX itself was restarted since we last held its calls: those calls failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenConsultation:
    """A colleague whom the agent of an open call consults."""

    leg_id: LegId
    agent_id: AgentId
    """The colleague."""
    is_answered: bool = False
    is_merged: bool = False
    """A conference: the colleague talks with the caller too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRecording:
    """What records an open call's talk on `leg_id`."""

    recording_id: RecordingId
    agent_id: AgentId
    leg_id: LegId
    recorded_ms: int
    """Before `since`."""
    since: Instant | None
    """None while it is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call without CALL_ENDED in the ledger, in this node's own monotonic time."""

    call_id: CallId
    queue_id: QueueId
    """In the IVR: the dialled line's own."""
    skills: Skills
    priority: int
    customer_id: CustomerId | None
    state: CallState
    queued_at: Instant
    """May be negative: queued before this process began to count."""
    connected_at: Instant | None = None
    leg_id: LegId | None = None
    agent_id: AgentId | None = None
    handoff_id: HandoffId | None = None
    served_by: SiteId | None = None
    is_moving: bool = False
    """Its carrier was asked to call the helper, and nothing is known of the answer."""
    is_moved: bool = False
    """No leg of it is here any more: the helper knows how it stands."""
    waited_ms: int = 0
    """Set once connected."""
    hold_ms: int = 0
    has_asked: bool = True
    """For a person: else it is in the IVR, or leaves a message without having been queued."""
    language: Language | None = None
    """None: it has chosen none."""
    node: NodeName | None = None
    """Of the IVR's flow, where it had come to; None: at its start."""
    customer_class: str | None = None
    consultation: OpenConsultation | None = None
    recording: OpenRecording | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """An agent logged in by the ledger, with the state of its last row."""

    agent_id: AgentId
    skills: Skills
    state: AgentState
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenHelp:
    """A hand-off this site helped with: its agent had answered, and it has not ended."""

    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    queue_id: QueueId
    connected_at: Instant
    is_confirmed: bool
    is_moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPromise:
    """A redirected caller whom this site has promised a place, and who has not come."""

    handoff_id: HandoffId
    peer: SiteId
    call: CallContext
    """As its origin told it."""
    own_call_id: CallId
    queued_at: Instant
    token_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCallback:
    """A callback without CALLBACK_DONE in the ledger."""

    call_id: CallId
    queue_id: QueueId
    skills: Skills
    priority: int
    queued_at: Instant
    """Of the call in which it was asked for: its place."""
    try_count: int
    """Those that count."""
    tried_at: Instant | None
    """When the last try was over; None for one that nobody tried, or that an agent missed last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOutbound:
    """A call that goes out, without OUTBOUND_ENDED in the ledger."""

    call_id: CallId
    agent_id: AgentId
    queue_id: QueueId
    callback_of: CallId | None
    leg_id: LegId | None
    """This and the next four are None, or 0, unless it was dialled."""
    via: SiteId | None = None
    line_id: LineId | None = None
    is_emergency: bool = False
    handoff_id: HandoffId | None = None
    dialed_at: Instant | None = None
    answered_at: Instant | None = None
    is_held: bool = False
    hold_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoan:
    """A line of ours that another site's agent talks over, without LINE_RETURNED in the ledger."""

    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    line_id: LineId
    lent_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """And where agents are reached: whoever is idle may be rung at once."""

    places: Mapping[AgentId, tuple[Place, ...]] = field(default_factory=dict)
    calls: tuple[OpenCall, ...] = ()
    sessions: tuple[OpenSession, ...] = ()
    helps: tuple[OpenHelp, ...] = ()
    promises: tuple[OpenPromise, ...] = ()
    callbacks: tuple[OpenCallback, ...] = ()
    outbound: tuple[OpenOutbound, ...] = ()
    loans: tuple[OpenLoan, ...] = ()
