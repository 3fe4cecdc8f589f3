"""What others may see of a floor: people, metrics, checkers. Copies, never the machine's own parts."""

from dataclasses import dataclass
from enum import StrEnum

from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, CustomerId, HandoffId, Instant, LegId, QueueId, SiteId, Skills
from router.ledger import Role
from router.outbound.state import OutboundState
from router.overflow.messages import HandoffState
from router.talk.consultation import ConsultationState
from router.talk.supervision import SupervisionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationView:
    agent_id: AgentId
    """The colleague."""
    leg_id: LegId
    state: ConsultationState
    reason: str | None
    """Why it is over; None while it lasts."""

    @property
    def is_live(self) -> bool:
        return self.state is not ConsultationState.OVER


class RecordingState(StrEnum):
    NONE = "NONE"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    call_id: CallId
    queue_id: QueueId
    skills: Skills
    state: CallState
    priority: int
    queued_at: Instant
    customer_id: CustomerId | None
    agent_id: AgentId | None
    leg_ids: tuple[LegId, ...]
    handoff_id: HandoffId | None
    served_by: SiteId | None
    """The helper's site once its agent rings."""
    consultation: ConsultationView | None = None
    """Whom its agent consults about it, or has just consulted in vain."""
    recording: RecordingState = RecordingState.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    agent_id: AgentId
    state: AgentState
    reason: str | None
    since: Instant
    skills: Skills
    call_id: CallId | None
    handoff_id: HandoffId | None
    leg_id: LegId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionView:
    supervisor: str
    leg_id: LegId
    agent_id: AgentId
    """Whose talk it is."""
    mode: SupervisionMode
    is_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffView:
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    state: HandoffState
    call_id: CallId | None
    agent_id: AgentId | None
    queue_id: QueueId | None = None
    customer_id: CustomerId | None = None
    """The origin's id; both are known to a helper once it knows the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundView:
    """A call that goes out for an agent of this site."""

    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    queue_id: QueueId
    state: OutboundState
    callback_of: CallId | None
    handoff_id: HandoffId | None
    """The trunk to the site whose line it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanView:
    """A line of this site that another site's agent uses, or has reserved."""

    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    is_dialled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackView:
    """A caller who is to be called back."""

    call_id: CallId
    queue_id: QueueId
    queued_at: Instant
    try_count: int
    outbound_id: CallId | None
    """The try in progress."""
