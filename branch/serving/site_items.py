"""A site's floor as the items that watchers are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from google.protobuf.message import Message
from trunkline.desk.v1 import desk_pb2 as pb

from branch.customers.caller_card import CallerCard
from branch.peers.card_wire import card_message
from branch.serving.watch import Items, Key, Kind
from router.acd.policy import QueuePolicy
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, HandoffId, Instant, QueueId
from router.ledger import Role
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import HandoffState
from router.talk.consultation import ConsultationState
from router.views import AgentView, CallView, ConsultationView, HandoffView, RecordingState

AGENT_STATES: "Mapping[AgentState, pb.AgentState.ValueType]" = {
    state: pb.AgentState.Value(f"AGENT_STATE_{state}") for state in AgentState
}
CALL_STATES: "Mapping[CallState, pb.CallState.ValueType]" = {
    state: pb.CallState.Value(f"CALL_STATE_{state}") for state in CallState
}
CONSULTATION_STATES: "Mapping[ConsultationState, pb.ConsultationState.ValueType]" = {
    state: pb.ConsultationState.Value(f"CONSULTATION_STATE_{state}") for state in ConsultationState
}
RECORDING_STATES: "Mapping[RecordingState, pb.RecordingState.ValueType]" = {
    state: pb.RecordingState.Value(f"RECORDING_STATE_{state}") for state in RecordingState
}
HANDOFF_ROLES: "Mapping[Role, pb.HandoffRole.ValueType]" = {
    role: pb.HandoffRole.Value(f"HANDOFF_ROLE_{role}") for role in Role
}
HANDOFF_STATES: "Mapping[HandoffState, pb.HandoffState.ValueType]" = {
    state: pb.HandoffState.Value(f"HANDOFF_STATE_{state}")
    for state in HandoffState
    if state not in (HandoffState.UNKNOWN, HandoffState.OVER)
}
"""Those that are not listed are not shown."""


class FloorViews(Protocol):
    """The part of a floor that is shown."""

    def calls(self) -> Iterable[CallView]: ...

    def agents(self) -> Iterable[AgentView]: ...

    def handoffs(self) -> Iterable[HandoffView]: ...

    def load(self, now: Instant) -> SiteLoad: ...


class Cards(Protocol):
    """Who calls."""

    def card_of(self, call_id: CallId) -> CallerCard | None:
        """None: it is not known."""
        ...

    def guest(self, handoff_id: HandoffId) -> CallerCard | None:
        """None: its site has not told us."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTally:
    """One queue's calls of the business day that asked for a person, counted."""

    offered: int = 0
    """Those that were sent on to another site are not among them: they are offered there."""
    answered: int = 0
    in_level: int = 0
    """Answered within the queue's target."""
    redirected: int = 0
    """Sent on to another site before anybody had answered."""


_NO_CALLS = DayTally()


def site_items(
    floor: FloorViews,
    now: Instant,
    policies: Iterable[QueuePolicy],
    tallies: Mapping[QueueId, DayTally],
    name_of: Callable[[AgentId], str],
    cards: Cards,
    messages: Mapping[QueueId, int],
) -> Items:
    """Everything that may be shown of the site at this moment."""
    items: dict[Key, Message] = {}
    loads = floor.load(now).queues
    for policy in policies:
        load = loads.get(policy.queue_id)
        if load is not None:
            tally = tallies.get(policy.queue_id, _NO_CALLS)
            unheard = messages.get(policy.queue_id, 0)
            items[Kind.QUEUE, policy.queue_id] = _queue(policy, load, tally, now, unheard)
    ringing: dict[CallId, list[AgentId]] = {}
    for agent in floor.agents():
        items[Kind.AGENT, agent.agent_id] = _agent(agent, name_of(agent.agent_id))
        if agent.state is AgentState.RINGING and agent.call_id is not None:
            ringing.setdefault(agent.call_id, []).append(agent.agent_id)
    for call in floor.calls():
        asked = None if call.consultation is None else call.consultation.agent_id
        offered_to = [each for each in ringing.get(call.call_id, ()) if each != asked]
        card = _card(cards.card_of(call.call_id), is_with_agent=bool(offered_to or call.agent_id))
        items[Kind.CALL, call.call_id] = _call(call, offered_to, card)
    for handoff in floor.handoffs():
        if handoff.state in HANDOFF_STATES:
            items[Kind.HANDOFF, handoff.handoff_id] = _handoff(handoff, cards.guest(handoff.handoff_id))
    return items


def _queue(policy: QueuePolicy, load: QueueLoad, tally: DayTally, now: Instant, unheard: int) -> pb.QueueView:
    return pb.QueueView(
        queue_id=policy.queue_id,
        calls_waiting=load.calls_waiting,
        head_since_mono_ms=now - load.head_wait_ms if load.calls_waiting else None,
        agents_staffed=load.agents_staffed,
        agents_idle=load.agents_idle,
        service_level_ms=policy.service_level_ms,
        offered_today=tally.offered,
        answered_today=tally.answered,
        in_level_today=tally.in_level,
        messages_unheard=unheard,
        redirected_today=tally.redirected,
    )


def _agent(agent: AgentView, name: str) -> pb.AgentView:
    return pb.AgentView(
        agent_id=agent.agent_id,
        name=name,
        state=AGENT_STATES[agent.state],
        reason=agent.reason,
        since_mono_ms=agent.since,
        skills=sorted(agent.skills),
        call_id=agent.call_id,
        leg_id=agent.leg_id,
        handoff_id=agent.handoff_id,
    )


def _card(card: CallerCard | None, *, is_with_agent: bool) -> CallerCard | None:
    """What was noted is for whoever is to talk with the caller: a whole site's queues stay short to send."""
    return card if card is None or is_with_agent or not card.notes else replace(card, notes=())


def _call(call: CallView, ringing: Sequence[AgentId], card: CallerCard | None) -> pb.CallView:
    return pb.CallView(
        call_id=call.call_id,
        queue_id=call.queue_id,
        state=CALL_STATES[call.state],
        priority=call.priority,
        queued_mono_ms=call.queued_at,
        customer_id=call.customer_id,
        agent_id=call.agent_id,
        handoff_id=call.handoff_id,
        served_by=call.served_by,
        ringing_agent_ids=ringing,
        consultation=None if call.consultation is None else _consultation(call.consultation),
        recording=RECORDING_STATES[call.recording],
        caller=card_message(card),
    )


def _consultation(consultation: ConsultationView) -> pb.ConsultationView:
    return pb.ConsultationView(
        agent_id=consultation.agent_id,
        leg_id=consultation.leg_id,
        state=CONSULTATION_STATES[consultation.state],
        reason=consultation.reason,
    )


def _handoff(handoff: HandoffView, card: CallerCard | None) -> pb.HandoffView:
    return pb.HandoffView(
        handoff_id=handoff.handoff_id,
        role=HANDOFF_ROLES[handoff.role],
        peer=handoff.peer,
        state=HANDOFF_STATES[handoff.state],
        call_id=handoff.call_id,
        agent_id=handoff.agent_id,
        queue_id=handoff.queue_id,
        customer_id=handoff.customer_id,
        caller=card_message(card),
    )
