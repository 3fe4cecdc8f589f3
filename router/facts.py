"""Facts: what happened at a site, told to its floor in the order it happened.

Past tense, each with the ids it is about. The telephony adapter, the agents' desks, the
other sites, the load board and the store are the only tellers.
"""

from dataclasses import dataclass

from router.acd.policy import QueuePolicy
from router.agent import RingFailure
from router.flow.nodes import Flow
from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    LegId,
    PlaybackId,
    QueueId,
    RecordingId,
    SiteId,
    Skills,
)
from router.outbound.outcome import OutboundOutcome
from router.overflow.load import SiteLoad
from router.overflow.messages import Reply, Request
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode

# --- callers and phones, told by the telephony adapter ---------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived:
    """A caller has asked for a person in `queue_id`, or, at a site with an IVR, for whatever it offers."""

    call_id: CallId
    queue_id: QueueId
    dialled: str
    customer_id: CustomerId | None = None
    priority: int = 0
    """0 to 9; 9 is highest."""
    skills: Skills = frozenset()
    """Wanted beyond the queue's own."""
    customer_class: str | None = None
    """Of the customer whose number calls; None: nobody knows the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerHungUp:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """The PBX lost the call's media; `reason` is its word."""

    call_id: CallId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerChoseVoicemail:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerChoseCallback:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRecorded:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """In the order in which the caller pressed them, each once."""

    call_id: CallId
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsPlayed:
    """What `PlayPrompts` or `Announce` began has come to its end, heard or not."""

    call_id: CallId
    playback_id: PlaybackId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFound:
    """The number that the caller has entered is this customer's."""

    call_id: CallId
    digits: str
    customer_id: CustomerId
    customer_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotFound:
    call_id: CallId
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFinished:
    """The PBX has closed a talk's recording, asked to or not; an unknown one is nobody's."""

    recording_id: RecordingId
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRang:
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered:
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFailed:
    """The agent's phone did not answer and never will for this leg."""

    leg_id: LegId
    reason: RingFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHungUp:
    """The agent hung up a connected leg."""

    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkCallArrived:
    """At a helper: an INVITE whose token the shell verified and which names this hand-off."""

    handoff_id: HandoffId
    from_site: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRang:
    """At the origin: the helper's agent rings."""

    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkAnswered:
    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkFailed:
    """At the origin: the trunk leg ended without an answer (403, 503, no answer)."""

    handoff_id: HandoffId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkHungUp:
    """Either side: the other end of the trunk leg is gone, whether it was answered or not."""

    handoff_id: HandoffId


# --- agents, told by their desks or phones ---------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedIn:
    """A session begins, not ready. Logging in again replaces the skills."""

    agent_id: AgentId
    skills: Skills


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLoggedOut:
    """The session ends at once when idle, else when the agent's call and wrap-up are over."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBecameReady:
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBecameNotReady:
    """With a call, it takes effect after the call."""

    agent_id: AgentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentBecameUnreachable:
    """Phone unregistered or desktop lost."""

    agent_id: AgentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapupFinished:
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAsked:
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAsked:
    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsked:
    """Blind: the call leaves the agent and is queued, or offered to one agent only."""

    agent_id: AgentId
    to_queue: QueueId | None = None
    to_agent: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpAsked:
    """The agent leaves its talk from the desk, which ends the call unless a colleague is in it."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultAsked:
    """The agent wants a word with a colleague, with its caller on hold. Hold and resume swap the two."""

    agent_id: AgentId
    to_agent: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteAsked:
    """Attended transfer: the consulted colleague gets the caller."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """The consulted colleague is not needed any more; the agent takes its caller back."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeAsked:
    """Conference: the consulted colleague and the caller hear each other."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupAsked:
    """An idle agent, ready or not, wants a call: what rings at a colleague's phone, or a queue's first."""

    agent_id: AgentId
    from_queue: QueueId | None = None
    from_agent: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingAsked:
    """The agent wants its talk recorded, or not recorded (for a while)."""

    agent_id: AgentId
    act: RecordingAct


# --- supervisors -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperviseAsked:
    """A supervisor wants to be beside an agent's talk, or beside it in another way."""

    supervisor: str
    """The person's id at the site."""
    phone: AgentId
    """Whose phone to ring, by the PBX's name; nobody works at it."""
    agent_id: AgentId
    mode: SupervisionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionEndAsked:
    supervisor: str


# --- calls that go out ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DialAsked:
    """An agent wants to be joined with whoever answers at `number`; its own phone is rung first."""

    agent_id: AgentId
    call_id: CallId
    """Made by the shell, which keeps the number under it."""
    number: str
    """E.164, or an emergency number as it is dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFound:
    """The answer to `FindNumber`."""

    call_id: CallId
    number: str | None
    """E.164; None when it was withheld or erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswered:
    """The customer has answered the call that went out."""

    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFailed:
    """The customer did not answer, and never will for this call."""

    call_id: CallId
    outcome: OutboundOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class LineHungUp:
    """The customer hung up, having answered."""

    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallingHoursChanged:
    """Customers may be called from now on, or not any more; none are until this is told."""

    is_open: bool


# --- other sites and the load board ----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAsked:
    """A request of another site came in; the outcome holds exactly one `Answer` to it."""

    site_id: SiteId
    incarnation: int
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteReplied:
    site_id: SiteId
    incarnation: int
    request: Request
    """The one that is answered."""
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSilent:
    """No answer within the deadline, or no connection. The request may have arrived."""

    site_id: SiteId
    request: Request


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSeen:
    load: SiteLoad


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteGone:
    """The site's key left the board."""

    site_id: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewConfirmed:
    """The board's view was current at this moment."""


# --- the node --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyApplied:
    """A queue is new or is treated differently from now on, calls in it included."""

    policy: QueuePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowApplied:
    """The IVR goes by another flow from now on; callers in it go on from where they stand."""

    flow: Flow
    digest: str
    """Of the flow's file, for the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptingChanged:
    """New calls are taken, or not any more: drain, or a store that can keep no more rows."""

    is_accepting: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStepped:
    by_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStarted:
    """Comes first, after what lives was re-adopted; writes the NODE_STARTED row."""

    version: str


Fact = (
    CallArrived
    | CallerHungUp
    | CallFailed
    | CallerChoseVoicemail
    | CallerChoseCallback
    | VoicemailRecorded
    | KeyPressed
    | PromptsPlayed
    | CustomerFound
    | CustomerNotFound
    | LegRang
    | LegAnswered
    | LegFailed
    | LegHungUp
    | TrunkCallArrived
    | TrunkRang
    | TrunkAnswered
    | TrunkFailed
    | TrunkHungUp
    | AgentLoggedIn
    | AgentLoggedOut
    | AgentBecameReady
    | AgentBecameNotReady
    | AgentBecameUnreachable
    | WrapupFinished
    | HoldAsked
    | ResumeAsked
    | TransferAsked
    | HangUpAsked
    | ConsultAsked
    | CompleteAsked
    | CancelAsked
    | MergeAsked
    | PickupAsked
    | RecordingAsked
    | RecordingFinished
    | SuperviseAsked
    | SupervisionEndAsked
    | DialAsked
    | NumberFound
    | LineAnswered
    | LineFailed
    | LineHungUp
    | CallingHoursChanged
    | SiteAsked
    | SiteReplied
    | SiteSilent
    | LoadSeen
    | SiteGone
    | ViewConfirmed
    | PolicyApplied
    | FlowApplied
    | AcceptingChanged
    | ClockStepped
    | NodeStarted
)
