"""What a desk has been told of its site: the fold of a watch's updates.

Moments are on the site's own clock; `SiteSeen.age_ms` turns them into durations.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from branch.customers.caller_card import CallerCard
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, QueueId, SiteId
from router.ledger import Role
from router.overflow.messages import HandoffState
from router.talk.consultation import ConsultationState
from router.views import RecordingState
from router.visit.visit import Standing
from sync.records.tables import PersonRole

K = TypeVar("K", bound=str)
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeen:
    queue_id: QueueId
    calls_waiting: int
    head_since_ms: int | None
    """None with none waiting."""
    agents_staffed: int
    agents_idle: int
    service_level_ms: int
    offered_today: int
    answered_today: int
    in_level_today: int
    messages_unheard: int = 0
    redirected_today: int = 0

    @property
    def service_level(self) -> float | None:
        """Share of the day's calls answered within the target; None before the first call."""
        return self.in_level_today / self.offered_today if self.offered_today else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSeen:
    agent_id: AgentId
    name: str
    state: AgentState
    reason: str | None
    since_ms: int
    skills: tuple[str, ...]
    call_id: CallId | None
    leg_id: LegId | None
    handoff_id: HandoffId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsultationSeen:
    agent_id: AgentId
    """The colleague."""
    leg_id: LegId
    state: ConsultationState
    reason: str | None
    """Why it is over."""

    @property
    def is_live(self) -> bool:
        return self.state is not ConsultationState.OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeen:
    call_id: CallId
    queue_id: QueueId
    state: CallState
    priority: int
    queued_ms: int
    customer_id: CustomerId | None
    agent_id: AgentId | None
    handoff_id: HandoffId | None
    served_by: SiteId | None
    ringing_agents: tuple[AgentId, ...]
    consultation: ConsultationSeen | None = None
    recording: RecordingState = RecordingState.NONE
    caller: CallerCard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffSeen:
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    state: HandoffState
    call_id: CallId | None
    agent_id: AgentId | None
    queue_id: QueueId | None
    customer_id: CustomerId | None
    caller: CallerCard | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a watcher has seen."""

    incarnation: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What is new; empty when nothing is."""

    position: Position
    mono_ms: int
    is_whole: bool
    queues: tuple[QueueSeen, ...] = ()
    agents: tuple[AgentSeen, ...] = ()
    calls: tuple[CallSeen, ...] = ()
    handoffs: tuple[HandoffSeen, ...] = ()
    gone_queues: frozenset[QueueId] = frozenset()
    gone_agents: frozenset[AgentId] = frozenset()
    gone_calls: frozenset[CallId] = frozenset()
    gone_handoffs: frozenset[HandoffId] = frozenset()

    @property
    def is_news(self) -> bool:
        """Whether it is more than a sign of life."""
        return self.is_whole or any(
            (
                self.queues,
                self.agents,
                self.calls,
                self.handoffs,
                self.gone_queues,
                self.gone_agents,
                self.gone_calls,
                self.gone_handoffs,
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSeen:
    """What a caller left."""

    call_id: CallId
    queue_id: QueueId
    left_utc_us: int
    number: str | None
    heard_utc_us: int | None
    heard_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSeen:
    call_id: CallId
    arrived_utc_us: int
    queue_id: QueueId | None
    agent_id: AgentId | None
    disposition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerSeen:
    customer_id: CustomerId
    name: str
    customer_class: str
    region: str | None
    contacts: tuple[ContactSeen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSeen:
    """A return visit as the list shows it."""

    call_id: CallId
    customer_id: CustomerId | None
    customer_name: str | None
    customer_class: str | None
    queue_id: QueueId
    agent_id: AgentId | None
    called_utc_us: int
    due_date: str
    standing: Standing
    try_count: int
    last_outcome: str | None
    tried_utc_us: int | None
    kept_for: AgentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitsSeen:
    """The list, or of it the one whose turn it is."""

    is_open: bool
    visits: tuple[VisitSeen, ...]
    visit_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDialled:
    """Either the call that goes out, or how the visit ended without one."""

    outbound_call_id: CallId | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who logged in, and where."""

    person_id: str
    name: str
    role: PersonRole
    agent_id: AgentId | None
    site_id: SiteId
    site_name: str
    not_ready_reasons: Sequence[str]
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInHand:
    """The call at an agent's own phone, the site's own or another site's."""

    leg_id: LegId
    call_id: CallId | None
    queue_id: QueueId | None
    customer_id: CustomerId | None
    from_site: SiteId | None
    """None for the site's own."""
    consultation: ConsultationSeen | None = None
    """With the colleague whom this agent asked, or as whom it was asked."""
    recording: RecordingState = RecordingState.NONE
    caller: CallerCard | None = None


@dataclass(slots=True)
class SiteSeen:
    """The site as of the last update."""

    position: Position | None = None
    queues: dict[QueueId, QueueSeen] = field(default_factory=dict)
    agents: dict[AgentId, AgentSeen] = field(default_factory=dict)
    calls: dict[CallId, CallSeen] = field(default_factory=dict)
    handoffs: dict[HandoffId, HandoffSeen] = field(default_factory=dict)
    mono_ms: int = 0
    local_ms: int = 0
    """The desk's own clock when the last update came."""

    def apply(self, update: Update, local_ms: int) -> None:
        """Take an update in, received at `local_ms` on the desk's own clock."""
        if update.is_whole:
            self.queues, self.agents, self.calls, self.handoffs = {}, {}, {}, {}
        self.queues |= {each.queue_id: each for each in update.queues}
        self.agents |= {each.agent_id: each for each in update.agents}
        self.calls |= {each.call_id: each for each in update.calls}
        self.handoffs |= {each.handoff_id: each for each in update.handoffs}
        _drop(self.queues, update.gone_queues)
        _drop(self.agents, update.gone_agents)
        _drop(self.calls, update.gone_calls)
        _drop(self.handoffs, update.gone_handoffs)
        self.position, self.mono_ms, self.local_ms = update.position, update.mono_ms, local_ms

    def age_ms(self, since_ms: int, local_ms: int) -> int:
        """How long ago a moment of the site's was, at `local_ms` on the desk's own clock."""
        return max(0, self.mono_ms - since_ms + local_ms - self.local_ms)

    def call_in_hand(self, agent_id: AgentId) -> CallInHand | None:
        """What rings, or is connected, at the agent's phone."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.leg_id is None:
            return None
        handoff = self.handoffs.get(agent.handoff_id) if agent.handoff_id is not None else None
        call = self.calls.get(agent.call_id) if agent.call_id is not None else None
        about = handoff or call
        return CallInHand(
            leg_id=agent.leg_id,
            call_id=agent.call_id,
            queue_id=about.queue_id if about is not None else None,
            customer_id=about.customer_id if about is not None else None,
            from_site=handoff.peer if handoff is not None else None,
            consultation=call.consultation if call is not None and handoff is None else None,
            recording=call.recording if call is not None and handoff is None else RecordingState.NONE,
            caller=about.caller if about is not None else None,
        )


def _drop(kept: dict[K, V], gone: frozenset[K]) -> None:
    for name in gone & kept.keys():
        del kept[name]
