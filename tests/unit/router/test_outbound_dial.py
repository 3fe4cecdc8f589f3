"""Agents who dial: their own phone first, then the cheapest line; talk, hold and the end of it."""

from dataclasses import replace

import pytest

from router import facts, ledger, orders
from router.agent import AgentState, RingFailure
from router.errors import DuplicateError, LineLimitError, NotAllowedError, WrongStateError
from router.ids import CallId, QueueId
from router.orders import Outcome
from router.outbound.outcome import OutboundOutcome
from router.overflow.messages import Refusal, Refused, Reserved, ReserveLine
from tests.fakes.floor import FloorUnderTest, all_of, one
from tests.fakes.outgoing import (
    EMERGENCY,
    FAR,
    LINE,
    LOCAL,
    OTHER_LINE,
    POLICY,
    PREMIUM,
    URUMQI,
    dial,
    dialled_line,
    ringing_leg,
    site,
)


def ended(floor: FloorUnderTest) -> ledger.OutboundEnded:
    return one(floor.log, ledger.OutboundEnded)


def asked(outcome: Outcome) -> ReserveLine:
    request = one(outcome, orders.Ask).request
    assert isinstance(request, ReserveLine)
    return request


def test_the_agents_phone_rings_first_and_the_number_is_dialled_on_its_answer() -> None:
    floor = site()
    agent = floor.seat("1", 0)

    outcome = dial(floor, agent, LOCAL, 1)
    assert all_of(outcome, orders.DialLine) == []
    answered = floor.answer(ringing_leg(outcome), 3)

    order = one(answered, orders.DialLine)
    assert (order.line_id, order.number, order.handoff_id) == (LINE, LOCAL, None)
    assert answered.index(one(answered, ledger.OutboundDialed)) < answered.index(order)
    assert floor.state(agent) is AgentState.TALKING


def test_no_row_of_a_dialled_call_holds_its_number() -> None:
    floor = site()
    out = dialled_line(floor, dial(floor, floor.seat("1", 0), LOCAL, 1), 3)
    floor.tell(facts.LineAnswered(call_id=out), 8)
    floor.tell(facts.LineHungUp(call_id=out), 20)

    assert not any(LOCAL in repr(each) for each in floor.log if isinstance(each, ledger.Entry))


def test_an_outbound_call_is_no_offered_call() -> None:
    floor = site()
    dialled_line(floor, dial(floor, floor.seat("1", 0), LOCAL, 1), 3)

    assert all_of(floor.log, ledger.CallArrived) == []
    assert all_of(floor.log, ledger.CallQueued) == []
    assert list(floor.floor.calls()) == []


def test_hold_is_told_apart_from_talk() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    out = dialled_line(floor, dial(floor, agent, LOCAL, 1), 3)
    floor.tell(facts.LineAnswered(call_id=out), 8)

    floor.tell(facts.HoldAsked(agent_id=agent), 10)
    assert floor.state(agent) is AgentState.ON_HOLD
    floor.tell(facts.ResumeAsked(agent_id=agent), 15)
    floor.tell(facts.HangUpAsked(agent_id=agent), 20)

    assert (ended(floor).talk_ms, ended(floor).hold_ms, ended(floor).outcome) == (
        7_000,
        5_000,
        OutboundOutcome.ANSWERED,
    )
    assert one(floor.log, orders.HangUpLine).call_id == out


def test_a_customer_who_has_not_answered_cannot_be_held_nor_handed_on() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    dialled_line(floor, dial(floor, agent, LOCAL, 1), 3)

    with pytest.raises(WrongStateError):
        floor.tell(facts.HoldAsked(agent_id=agent), 4)
    with pytest.raises(WrongStateError):
        floor.tell(facts.TransferAsked(agent_id=agent, to_queue=QueueId("sales")), 4)


def test_an_agent_dials_out_of_its_break_and_is_on_its_break_again() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    floor.tell(facts.AgentBecameNotReady(agent_id=agent, reason="PAPERWORK"), 1)

    out = dialled_line(floor, dial(floor, agent, LOCAL, 2), 3)
    floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.BUSY), 5)

    view = floor.floor.agent(agent)
    assert view is not None
    assert (view.state, view.reason) == (AgentState.NOT_READY, "PAPERWORK")


def test_an_agent_with_a_call_dials_nobody() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    dial(floor, agent, LOCAL, 1)

    with pytest.raises(WrongStateError):
        dial(floor, agent, LOCAL, 2, "again")
    with pytest.raises(DuplicateError):
        dial(floor, floor.seat("2", 2), LOCAL, 3)


def test_an_agent_who_lets_its_own_phone_ring_dials_nobody() -> None:
    floor = site()
    outcome = dial(floor, floor.seat("1", 0), LOCAL, 1)

    floor.tell(facts.LegFailed(leg_id=ringing_leg(outcome), reason=RingFailure.NO_ANSWER), 20)

    assert (ended(floor).outcome, ended(floor).via) == (OutboundOutcome.AGENT_MISSED, None)
    assert all_of(floor.log, orders.DialLine) == []


@pytest.mark.parametrize("number", [PREMIUM, "+4412345678", "112", "+8610,,999", "+8610６６"])
def test_what_no_route_leads_to_is_barred_and_nothing_changes(number: str) -> None:
    floor = site()
    agent = floor.seat("1", 0)

    with pytest.raises(NotAllowedError) as refused:
        dial(floor, agent, number, 1)

    assert refused.value.reason == "NOT_ALLOWED"
    assert floor.state(agent) is AgentState.READY
    assert list(floor.floor.outbound()) == []


def test_a_line_takes_no_more_calls_than_its_limit_and_has_room_again_afterwards() -> None:
    floor = site()
    agents = [floor.seat(str(number), 0) for number in range(4)]
    first = dialled_line(floor, dial(floor, agents[0], LOCAL, 1, "o1"), 2)
    dial(floor, agents[1], LOCAL, 1, "o2")

    with pytest.raises(LineLimitError):
        dial(floor, agents[2], LOCAL, 3, "o3")
    floor.tell(facts.LineFailed(call_id=first, outcome=OutboundOutcome.BUSY), 4)

    assert ringing_leg(dial(floor, agents[2], LOCAL, 5, "o4"))


def test_an_emergency_leaves_by_the_local_line_full_draining_and_in_a_break() -> None:
    floor = site()
    agents = [floor.seat(str(number), 0) for number in range(3)]
    dial(floor, agents[0], LOCAL, 1, "o1")
    dial(floor, agents[1], LOCAL, 1, "o2")
    floor.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 2)
    floor.tell(facts.AgentBecameNotReady(agent_id=agents[2], reason="BREAK"), 2)

    answered = floor.answer(ringing_leg(dial(floor, agents[2], EMERGENCY, 3, "sos")), 4)

    order = one(answered, orders.DialLine)
    assert (order.number, order.line_id) == (EMERGENCY, POLICY.emergency_line)
    assert one(answered, ledger.OutboundDialed).is_emergency


def emergency_dialled() -> tuple[FloorUnderTest, CallId]:
    """At a site with a second line, over the first."""
    floor = site(replace(POLICY, lines={OTHER_LINE: 1, LINE: 1}))
    return floor, dialled_line(floor, dial(floor, floor.seat("1", 0), EMERGENCY, 1), 2)


def test_an_emergency_that_does_not_get_through_takes_the_next_line_full_or_not() -> None:
    floor, out = emergency_dialled()
    floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.FAILED), 9)

    tried = [(each.line_id, each.number, each.try_number) for each in all_of(floor.log, orders.DialLine)]
    assert tried == [(LINE, EMERGENCY, 1), (OTHER_LINE, EMERGENCY, 2)]
    assert [each.line_id for each in all_of(floor.log, ledger.OutboundDialed)] == [LINE, OTHER_LINE]
    assert all_of(floor.log, ledger.OutboundEnded) == []

    floor.tell(facts.LineAnswered(call_id=out), 12)
    floor.tell(facts.LineHungUp(call_id=out), 20)

    assert (ended(floor).outcome, ended(floor).line_id) == (OutboundOutcome.ANSWERED, OTHER_LINE)
    assert (ended(floor).ring_ms, ended(floor).talk_ms) == (3_000, 8_000)


def test_an_emergency_ends_when_no_line_is_left_and_gives_every_place_back() -> None:
    floor, out = emergency_dialled()
    for at in (9, 16):
        floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.FAILED), at)

    assert ended(floor).outcome is OutboundOutcome.FAILED
    assert ringing_leg(dial(floor, floor.seat("2", 17), LOCAL, 17, "next"))


@pytest.mark.parametrize("outcome", [OutboundOutcome.BUSY, OutboundOutcome.NO_ANSWER])
def test_an_emergency_that_got_through_is_tried_by_no_other_line(outcome: OutboundOutcome) -> None:
    floor, out = emergency_dialled()
    floor.tell(facts.LineFailed(call_id=out, outcome=outcome), 9)

    assert ended(floor).outcome is outcome
    assert len(all_of(floor.log, orders.DialLine)) == 1


def test_the_answer_of_each_line_is_waited_for_as_long() -> None:
    floor, out = emergency_dialled()
    floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.FAILED), 40)
    floor.wait_until(80)
    assert all_of(floor.log, ledger.OutboundEnded) == []

    floor.wait_until(40 + POLICY.answer_limit_ms / 1_000)

    assert ended(floor).outcome is OutboundOutcome.NO_ANSWER


def test_a_number_that_is_no_emergency_is_tried_by_one_line() -> None:
    floor = site(replace(POLICY, lines={LINE: 1, OTHER_LINE: 1}))
    out = dialled_line(floor, dial(floor, floor.seat("1", 0), LOCAL, 1), 2)
    floor.tell(facts.LineFailed(call_id=out, outcome=OutboundOutcome.FAILED), 9)

    assert ended(floor).outcome is OutboundOutcome.FAILED
    assert len(all_of(floor.log, orders.DialLine)) == 1


# --- over another site's line ------------------------------------------------------------


def test_another_sites_line_is_asked_for_and_its_token_is_dialled_with() -> None:
    floor = site()
    answered = floor.answer(ringing_leg(dial(floor, floor.seat("1", 0), FAR, 1)), 2)
    request = asked(answered)

    outcome = floor.tell(
        facts.SiteReplied(
            site_id=URUMQI,
            incarnation=1,
            request=request,
            reply=Reserved(handoff_id=request.handoff_id, token="t"),
        ),
        2,
    )
    bridged = floor.tell(facts.TrunkAnswered(handoff_id=request.handoff_id), 9)

    assert (request.number, request.call_id) == (FAR, CallId("out"))
    order = one(outcome, orders.DialSite)
    assert (order.site_id, order.token, order.handoff_id) == (URUMQI, "t", request.handoff_id)
    assert one(outcome, ledger.OutboundDialed).via == URUMQI
    assert one(bridged, orders.BridgeTrunkLeg).handoff_id == request.handoff_id


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (Refusal.NOT_ALLOWED, OutboundOutcome.NOT_ALLOWED),
        (Refusal.LIMIT, OutboundOutcome.LIMIT),
        (Refusal.NOT_ACCEPTING, OutboundOutcome.NO_LINE),
    ],
)
def test_a_refused_line_frees_the_agent(reason: Refusal, outcome: OutboundOutcome) -> None:
    floor = site()
    agent = floor.seat("1", 0)
    request = asked(floor.answer(ringing_leg(dial(floor, agent, FAR, 1)), 2))

    floor.tell(
        facts.SiteReplied(
            site_id=URUMQI,
            incarnation=1,
            request=request,
            reply=Refused(handoff_id=request.handoff_id, reason=reason),
        ),
        3,
    )

    assert ended(floor).outcome is outcome
    assert floor.state(agent) is AgentState.READY


def test_a_silent_site_frees_the_agent_and_its_late_answer_dials_nobody() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    request = asked(floor.answer(ringing_leg(dial(floor, agent, FAR, 1)), 2))

    floor.tell(facts.SiteSilent(site_id=URUMQI, request=request), 3)
    late = Reserved(handoff_id=request.handoff_id, token="t")
    outcome = floor.tell(facts.SiteReplied(site_id=URUMQI, incarnation=1, request=request, reply=late), 4)

    assert all_of(outcome, orders.DialSite) == []
    assert ended(floor).outcome is OutboundOutcome.NO_LINE
    assert floor.state(agent) is AgentState.READY


def test_what_the_other_pbx_says_of_its_line_is_the_outcome() -> None:
    floor = site()
    request = asked(floor.answer(ringing_leg(dial(floor, floor.seat("1", 0), FAR, 1)), 2))
    reply = Reserved(handoff_id=request.handoff_id, token="t")
    floor.tell(facts.SiteReplied(site_id=URUMQI, incarnation=1, request=request, reply=reply), 2)

    floor.tell(facts.TrunkFailed(handoff_id=request.handoff_id, reason="BUSY"), 5)

    assert ended(floor).outcome is OutboundOutcome.BUSY
