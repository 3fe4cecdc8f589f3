"""What is true of a floor after every fact, whatever the fact was: nothing is kept that nobody will end."""

from collections import Counter

from router.acd import calls, ringing, talking
from router.agent import AgentState
from router.call import CallState
from router.callback import callbacks
from router.floor import Floor
from router.ids import CallId, HandoffId, LegId, LineId, SiteId
from router.outbound import lending, outbound
from router.outbound.state import OutboundState
from router.overflow import helper, moving, origin, taking_back, taking_in
from router.overflow.help import Help
from router.overflow.messages import (
    HandoffState,
)
from router.parts import Parts
from router.talk import consulting, supervising
from router.talk.consultation import ConsultationState

LIVE = frozenset(ConsultationState) - {ConsultationState.OVER}


def state_of(floor: Floor) -> list[object]:
    """All that a refusal must leave as it was."""
    parts = floor._parts
    return [
        *floor.calls(),
        *floor.agents(),
        *floor.handoffs(),
        *floor.policies(),
        *floor.outbound(),
        *floor.loans(),
        *floor.callbacks(),
        dict(parts.outgoing._lines._used),
        dict(parts.links._used),
        dict(parts.timers._serials),
        dict(parts.taking_back._untold),
        dict(parts.taking_in._promises),
        list(parts.calls.held_back),
        set(parts.redirecting._asked),
        list(parts.ringing._legs),
        dict(parts.reach._places),
        [(call.talk_ms, call.hold_ms, call.waited_ms, call.playback_id) for call in parts.calls],
        [(call.walk.node, call.walk.phase) for call in parts.calls if call.walk is not None],
        [(each.recording_id, each.recorded_ms, each.since) for each in parts.recordings],
        [(each.mode, each.is_up) for each in parts.supervising.supervisions],
    ]


def check(floor: Floor) -> None:
    check_agents(floor._parts)
    check_calls(floor._parts)
    check_consultations(floor._parts)
    check_supervisions(floor._parts)
    check_recordings(floor._parts)
    check_handoffs(floor._parts)
    check_silence(floor._parts)
    check_taken_back(floor._parts)
    check_redirects(floor._parts)
    check_outgoing(floor._parts)


def check_agents(parts: Parts) -> None:
    held: list[LegId] = []
    for agent in parts.roster:
        held += [agent.leg_id] if agent.leg_id is not None else []
        assert (agent.state is AgentState.READY) == (agent.agent_id in parts.roster.idle)
        match agent.state:
            case AgentState.READY:
                assert parts.calls.waiting.next_for(agent.skills) is None, f"a call waits beside {agent}"
                if parts.is_accepting:
                    kept = parts.callbacks.waiting.next_for(agent.skills)
                    assert kept is None, f"a callback waits beside {agent}"
                assert (agent.leg_id, agent.call_id, agent.handoff_id) == (None, None, None)
            case AgentState.RESERVED:
                assert agent.handoff_id is not None
                help_ = parts.helper.find(agent.handoff_id)
                assert help_ is not None
                assert help_.agent_id == agent.agent_id
                assert parts.timers.is_set((helper.RESERVATION_TIMER, agent.handoff_id)), agent
            case AgentState.RINGING:
                assert agent.leg_id is not None
                check_ring(parts, agent.leg_id)
            case AgentState.WRAP_UP:
                assert parts.timers.is_set((talking.WRAPUP_TIMER, agent.agent_id)), agent
            case AgentState.TALKING | AgentState.ON_HOLD:
                check_talk(parts, agent.call_id, agent.leg_id, agent.handoff_id)
            case _:
                assert agent.leg_id is None
    assert len(held) == len(set(held)), "two agents on one leg"
    assert set(held) == set(parts.roster._by_leg)
    assert set(parts.ringing._legs) <= set(held), "a leg rings nobody"
    asked = {each.leg_id for each in parts.consulting.consultations if each.state in LIVE}
    assert set(parts.consulting.consultations._by_leg) == asked
    assert asked <= set(held), "a consultation rings nobody"


def check_ring(parts: Parts, leg_id: LegId) -> None:
    """What rings will stop by itself; a consultation is no offer."""
    consultation = parts.consulting.consultations.find_by_leg(leg_id)
    if consultation is None:
        assert parts.timers.is_set((ringing.RING_TIMER, leg_id))
        check_offer(parts, parts.ringing.find(leg_id))
    else:
        assert consultation.state is ConsultationState.RINGING
        assert parts.timers.is_set((consulting.CONSULT_TIMER, leg_id))
        assert parts.ringing.find(leg_id) is None


def check_offer(parts: Parts, leg: ringing.Leg | None) -> None:
    """What rings is known by the call or the hand-off that it rings for."""
    assert leg is not None
    if leg.handoff_id is not None:
        help_ = parts.helper.find(leg.handoff_id)
        assert help_ is not None
        assert (help_.state, help_.leg_id) == (HandoffState.RINGING, leg.leg_id)
    elif (out := parts.outgoing.find(leg.call_id)) is not None:
        assert (out.state, out.leg_id) == (OutboundState.RINGING, leg.leg_id)
    else:
        assert leg.leg_id in parts.calls.get(leg.call_id).ringing


def check_talk(
    parts: Parts, call_id: CallId | None, leg_id: LegId | None, handoff_id: HandoffId | None
) -> None:
    """Whoever talks is known by whatever will end the talk."""
    assert call_id is not None
    assert leg_id is not None
    if handoff_id is not None:
        help_ = parts.helper.find(handoff_id)
        assert help_ is not None
        assert (help_.state, help_.leg_id) == (HandoffState.CONNECTED, leg_id)
    elif (out := parts.outgoing.find(call_id)) is not None:
        assert (out.state is OutboundState.RINGING, out.leg_id) == (False, leg_id)
    elif parts.calls.get(call_id).leg_id != leg_id:
        consultation = parts.consulting.consultations.find(call_id)
        assert consultation is not None
        assert consultation.leg_id == leg_id
        assert consultation.state is not ConsultationState.RINGING


def check_consultations(parts: Parts) -> None:
    for consultation in parts.consulting.consultations:
        call = parts.calls.get(consultation.call_id)
        assert call.leg_id == consultation.agent_leg, "consulted beside a talk that is over"
        assert consultation.state is not ConsultationState.MERGED or call.state is CallState.CONNECTED


def check_supervisions(parts: Parts) -> None:
    for each in parts.supervising.supervisions:
        talker = parts.roster.find_by_leg(each.agent_leg)
        assert talker is not None, "beside a talk that is over"
        assert talker.state in (AgentState.TALKING, AgentState.ON_HOLD)
        assert parts.timers.is_set((supervising.SUPERVISE_TIMER, each.leg_id)) != each.is_up


def check_recordings(parts: Parts) -> None:
    for each in parts.recordings:
        assert parts.calls.get(each.call_id).leg_id == each.leg_id, "a talk that is over is recorded"


def check_calls(parts: Parts) -> None:
    for call in parts.calls:
        assert (call.state is CallState.QUEUED) == (call.call_id in parts.calls.waiting)
        handoff = parts.origin.find(call.handoff_id) if call.handoff_id is not None else None
        check_walk(parts, call)
        match call.state:
            case CallState.QUEUED:
                assert parts.timers.is_set((calls.WAIT_TIMER, call.call_id)), call
                is_held_back = call.call_id in parts.calls.held_back
                is_dialled = is_held_back or (handoff is not None and handoff.state is HandoffState.DIALING)
                assert parts.calls.waiting._places[call.call_id].is_dialled == is_dialled
            case CallState.OFFERED:
                assert call.ringing
                assert all(parts.ringing.find(leg_id) is not None for leg_id in call.ringing)
                assert handoff is None
            case CallState.OFFERED_REMOTE:
                assert handoff is not None
                assert handoff.state is HandoffState.RINGING
            case CallState.CONNECTED_REMOTE:
                assert handoff is not None
                assert handoff.state in (HandoffState.CONNECTED, HandoffState.MOVED)
            case CallState.CONNECTED | CallState.HELD:
                assert parts.roster.find_by_leg(call.leg_id or LegId("")) is not None
                assert handoff is None
            case CallState.ENDING:
                assert handoff is None


def check_walk(parts: Parts, call: calls.Call) -> None:
    """Whoever is in the flow has asked for nobody, and is come back to, whatever the PBX tells."""
    is_in_flow = call.state is CallState.IVR
    assert is_in_flow == (call.walk is not None) == parts.timers.is_set((calls.FLOW_TIMER, call.call_id))
    assert call.has_asked or call.state in (CallState.IVR, CallState.ENDING)


def check_handoffs(parts: Parts) -> None:
    assert parts.origin._handoffs.keys().isdisjoint(parts.helper._helps), (
        "one hand-off, both sides of it here"
    )
    used = _used_by_origin(parts) + _used_by_helper(parts)
    used.update(loan.peer for loan in parts.lending._loans.values())
    ways = (out.way for out in parts.outgoing._calls.values() if out.way is not None)
    used.update(way.site_id for way in ways if not parts.outgoing._lines.is_own(way))
    assert used == Counter({site: count for site, count in parts.links._used.items() if count}), "links leak"


def _used_by_origin(parts: Parts) -> Counter[SiteId]:
    used: Counter[SiteId] = Counter()
    for handoff in parts.origin._handoffs.values():
        if handoff.state is HandoffState.OVER:
            assert parts.timers.is_set((origin.FORGET_TIMER, handoff.handoff_id))
            continue
        assert parts.calls.get(handoff.call_id).handoff_id == handoff.handoff_id
        if handoff.state is HandoffState.MOVED:
            assert parts.timers.is_set((moving.MOVE_TIMER, handoff.handoff_id)), "nobody asks how it stands"
            continue
        used[handoff.peer] += 1
        if handoff.state is not HandoffState.CONNECTED:
            assert parts.timers.is_set((origin.HANDOFF_TIMER, handoff.handoff_id))
    return used


def _used_by_helper(parts: Parts) -> Counter[SiteId]:
    used: Counter[SiteId] = Counter()
    for help_ in parts.helper._helps.values():
        key = help_.handoff_id
        if help_.state is HandoffState.OVER:
            assert parts.timers.is_set((helper.FORGET_TIMER, key))
            continue
        used[help_.peer] += not help_.is_moved
        assert help_.agent_id is not None
        assert parts.roster.get(help_.agent_id).handoff_id == key
        if help_.state in (HandoffState.ASKING, HandoffState.RESERVED):
            assert parts.timers.is_set((helper.RESERVATION_TIMER, key))
        elif help_.state is HandoffState.CONNECTED and not help_.is_confirmed:
            assert parts.timers.is_set((helper.CONFIRM_TIMER, key))
    return used


def check_silence(parts: Parts) -> None:
    """A silent PBX rings and dials nobody, so nobody is promised, and nobody waits for a promise."""
    if parts.silence.is_on:
        assert not [each for each in parts.roster if each.state in (AgentState.READY, AgentState.RESERVED)]
        live = (HandoffState.CONNECTED, HandoffState.MOVED, HandoffState.OVER)
        assert not [each for each in known_handoffs(parts) if each.state not in live]


def check_taken_back(parts: Parts) -> None:
    for handoff_id in parts.taking_back._untold:
        assert parts.timers.is_set((taking_back.TELL_AGAIN_TIMER, handoff_id))


def check_redirects(parts: Parts) -> None:
    """Whoever is held back waits for one answer; whoever was picked up does not; no promise is for ever."""
    for call in parts.calls:
        is_held_back = call.call_id in parts.calls.held_back
        assert is_held_back is not (call.is_picked_up or call.state in (CallState.IVR, CallState.ENDING))
        if is_held_back:
            assert call.state is CallState.QUEUED
            assert call.handoff_id in parts.redirecting._asked
    assert parts.calls.held_back.keys() <= {call.call_id for call in parts.calls}
    for handoff_id in parts.taking_in._promises:
        assert parts.timers.is_set((taking_in.PROMISE_TIMER, handoff_id))


def check_outgoing(parts: Parts) -> None:
    """Every call that goes out has an agent of its own, a place on its line, and a deadline."""
    used: Counter[LineId] = Counter(loan.line_id for loan in parts.lending._loans.values())
    tried: list[CallId] = []
    for out in parts.outgoing._calls.values():
        agent = parts.roster.get(out.agent_id)
        assert (agent.call_id, agent.leg_id) == (out.call_id, out.leg_id)
        waits = out.state in (OutboundState.FINDING, OutboundState.ASKING, OutboundState.DIALING)
        assert parts.timers.is_set((outbound.ANSWER_TIMER, out.call_id)) == waits
        if out.callback_of is not None:
            tried.append(out.callback_of)
            assert parts.callbacks.get(out.callback_of).outbound_id == out.call_id
        if out.way is not None and parts.outgoing._lines.is_own(out.way):
            used[out.way.line_id] += 1
    used.update(agent.way.line_id for agent in parts.roster if agent.way is not None)
    in_use = parts.outgoing._lines._used.items()
    assert used == Counter({line: count for line, count in in_use if count}), "lines leak"
    assert len(tried) == len(set(tried)), "two tries at once"
    for loan in parts.lending._loans.values():
        is_reserved = parts.timers.is_set((lending.LOAN_TIMER, loan.handoff_id))
        assert is_reserved == (loan.lent_at is None)
    for callback in parts.callbacks:
        is_tried = callback.outbound_id is not None
        assert is_tried == (callback.call_id in tried)
        rests = parts.timers.is_set((callbacks.PAUSE_TIMER, callback.call_id))
        assert not (callback.call_id in parts.callbacks.waiting and (is_tried or rests))


def known_handoffs(parts: Parts) -> list[origin.Handoff | Help]:
    return [*parts.origin._handoffs.values(), *parts.helper._helps.values()]
