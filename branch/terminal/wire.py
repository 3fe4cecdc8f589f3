"""DeskService's messages as what a desk has seen."""

from typing import Any

from trunkline.desk.v1 import desk_pb2 as pb

from branch.customers.caller_card import CallerCard
from branch.peers.card_wire import read_card
from branch.terminal.seen import (
    AgentSeen,
    CallSeen,
    ConsultationSeen,
    ContactSeen,
    CustomerSeen,
    HandoffSeen,
    MessageSeen,
    Person,
    Position,
    QueueSeen,
    Update,
    VisitDialled,
    VisitSeen,
    VisitsSeen,
)
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, QueueId, SiteId
from router.ledger import Role
from router.overflow.messages import HandoffState
from router.talk.consultation import ConsultationState
from router.talk.recording_acts import RecordingAct
from router.talk.supervision import SupervisionMode
from router.views import RecordingState
from router.visit.visit import Standing
from sync.records.tables import PersonRole


def person(response: pb.LoginResponse) -> Person:
    return Person(
        person_id=response.person_id,
        name=response.name,
        role=PersonRole(pb.Role.Name(response.role).removeprefix("ROLE_")),
        agent_id=_optional(response, "agent_id"),
        site_id=SiteId(response.site_id),
        site_name=response.site_name,
        not_ready_reasons=tuple(response.not_ready_reasons),
        token=response.token,
    )


def customer(found: pb.GetCustomerResponse) -> CustomerSeen:
    return CustomerSeen(
        customer_id=CustomerId(found.customer_id),
        name=found.name,
        customer_class=found.customer_class,
        region=_optional(found, "region"),
        contacts=tuple(_contact(each) for each in found.contacts),
    )


def visits(found: pb.ListVisitsResponse) -> VisitsSeen:
    return VisitsSeen(
        is_open=found.is_open,
        visits=tuple(_visit(each) for each in found.visits),
        visit_count=found.visit_count,
    )


def next_visit(found: pb.NextVisitResponse) -> VisitsSeen:
    visits = (_visit(found.visit),) if found.HasField("visit") else ()
    return VisitsSeen(is_open=found.is_open, visits=visits, visit_count=len(visits))


def visit_dialled(response: pb.DialVisitResponse) -> VisitDialled:
    return VisitDialled(
        outbound_call_id=_optional(response, "outbound_call_id"), outcome=_optional(response, "outcome")
    )


def messages(response: pb.ListMessagesResponse) -> list[MessageSeen]:
    return [
        MessageSeen(
            call_id=CallId(each.call_id),
            queue_id=QueueId(each.queue_id),
            left_utc_us=each.left_utc_us,
            number=_optional(each, "number"),
            heard_utc_us=_optional(each, "heard_utc_us"),
            heard_by=_optional(each, "heard_by"),
        )
        for each in response.messages
    ]


def position(after: Position | None) -> pb.Position | None:
    return None if after is None else pb.Position(incarnation=after.incarnation, number=after.number)


def update(sent: pb.SiteUpdate) -> Update:
    return Update(
        position=Position(incarnation=sent.position.incarnation, number=sent.position.number),
        mono_ms=sent.mono_ms,
        is_whole=sent.is_whole,
        queues=tuple(_queue(each) for each in sent.queues),
        agents=tuple(_agent(each) for each in sent.agents),
        calls=tuple(_call(each) for each in sent.calls),
        handoffs=tuple(_handoff(each) for each in sent.handoffs),
        gone_queues=frozenset(QueueId(each) for each in sent.gone_queue_ids),
        gone_agents=frozenset(AgentId(each) for each in sent.gone_agent_ids),
        gone_calls=frozenset(CallId(each) for each in sent.gone_call_ids),
        gone_handoffs=frozenset(HandoffId(each) for each in sent.gone_handoff_ids),
    )


def _queue(queue: pb.QueueView) -> QueueSeen:
    return QueueSeen(
        queue_id=QueueId(queue.queue_id),
        calls_waiting=queue.calls_waiting,
        head_since_ms=queue.head_since_mono_ms if queue.HasField("head_since_mono_ms") else None,
        agents_staffed=queue.agents_staffed,
        agents_idle=queue.agents_idle,
        service_level_ms=queue.service_level_ms,
        offered_today=queue.offered_today,
        answered_today=queue.answered_today,
        in_level_today=queue.in_level_today,
        messages_unheard=queue.messages_unheard,
        redirected_today=queue.redirected_today,
    )


def _agent(agent: pb.AgentView) -> AgentSeen:
    return AgentSeen(
        agent_id=AgentId(agent.agent_id),
        name=agent.name,
        state=AgentState(pb.AgentState.Name(agent.state).removeprefix("AGENT_STATE_")),
        reason=_optional(agent, "reason"),
        since_ms=agent.since_mono_ms,
        skills=tuple(agent.skills),
        call_id=_optional(agent, "call_id"),
        leg_id=_optional(agent, "leg_id"),
        handoff_id=_optional(agent, "handoff_id"),
    )


def _call(call: pb.CallView) -> CallSeen:
    return CallSeen(
        call_id=CallId(call.call_id),
        queue_id=QueueId(call.queue_id),
        state=CallState(pb.CallState.Name(call.state).removeprefix("CALL_STATE_")),
        priority=call.priority,
        queued_ms=call.queued_mono_ms,
        customer_id=_optional(call, "customer_id"),
        agent_id=_optional(call, "agent_id"),
        handoff_id=_optional(call, "handoff_id"),
        served_by=_optional(call, "served_by"),
        ringing_agents=tuple(AgentId(each) for each in call.ringing_agent_ids),
        consultation=_consultation(call.consultation) if call.HasField("consultation") else None,
        recording=RecordingState(pb.RecordingState.Name(call.recording).removeprefix("RECORDING_STATE_")),
        caller=_caller(call),
    )


def _consultation(consultation: pb.ConsultationView) -> ConsultationSeen:
    return ConsultationSeen(
        agent_id=AgentId(consultation.agent_id),
        leg_id=LegId(consultation.leg_id),
        state=ConsultationState(
            pb.ConsultationState.Name(consultation.state).removeprefix("CONSULTATION_STATE_")
        ),
        reason=_optional(consultation, "reason"),
    )


def _visit(visit: pb.Visit) -> VisitSeen:
    return VisitSeen(
        call_id=CallId(visit.call_id),
        customer_id=_optional(visit, "customer_id"),
        customer_name=_optional(visit, "customer_name"),
        customer_class=_optional(visit, "customer_class"),
        queue_id=QueueId(visit.queue_id),
        agent_id=_optional(visit, "agent_id"),
        called_utc_us=visit.called_utc_us,
        due_date=visit.due_date,
        standing=Standing(pb.VisitStanding.Name(visit.standing).removeprefix("VISIT_STANDING_")),
        try_count=visit.try_count,
        last_outcome=_optional(visit, "last_outcome"),
        tried_utc_us=_optional(visit, "tried_utc_us"),
        kept_for=_optional(visit, "kept_for"),
    )


def recording_act(act: RecordingAct) -> "pb.RecordingAct.ValueType":
    return pb.RecordingAct.Value(f"RECORDING_ACT_{act}")


def supervision_mode(mode: SupervisionMode) -> "pb.SupervisionMode.ValueType":
    return pb.SupervisionMode.Value(f"SUPERVISION_MODE_{mode}")


def _handoff(handoff: pb.HandoffView) -> HandoffSeen:
    return HandoffSeen(
        handoff_id=HandoffId(handoff.handoff_id),
        role=Role(pb.HandoffRole.Name(handoff.role).removeprefix("HANDOFF_ROLE_")),
        peer=SiteId(handoff.peer),
        state=HandoffState(pb.HandoffState.Name(handoff.state).removeprefix("HANDOFF_STATE_")),
        call_id=_optional(handoff, "call_id"),
        agent_id=_optional(handoff, "agent_id"),
        queue_id=_optional(handoff, "queue_id"),
        customer_id=_optional(handoff, "customer_id"),
        caller=_caller(handoff),
    )


def _caller(about: pb.CallView | pb.HandoffView) -> CallerCard | None:
    return read_card("caller", about.caller) if about.HasField("caller") else None


def _contact(contact: pb.Contact) -> ContactSeen:
    return ContactSeen(
        call_id=CallId(contact.call_id),
        arrived_utc_us=contact.arrived_utc_us,
        queue_id=_optional(contact, "queue_id"),
        agent_id=_optional(contact, "agent_id"),
        disposition=_optional(contact, "disposition"),
    )


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None
