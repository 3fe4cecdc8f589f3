"""Callers who asked to be called back: their place, their tries, their end."""

import pytest

from router import facts, ledger, orders
from router.acd.policy import LastResort
from router.agent import AgentState, RingFailure
from router.call import Disposition
from router.callback.outcome import CallbackOutcome
from router.callback.policy import CallbackPolicy
from router.errors import InvalidPolicyError
from router.ids import CallId, Skill
from router.outbound.outcome import OutboundOutcome
from router.outbound.policy import OutboundPolicy
from tests.fakes.floor import FloorUnderTest, all_of, one, rung, sales
from tests.fakes.outgoing import LINE, LOCAL, POLICY, PREMIUM, TRIES, ask_callback, dialled_line, site


def done(floor: FloorUnderTest) -> list[tuple[str, CallbackOutcome]]:
    return [(each.call_id, each.outcome) for each in all_of(floor.log, ledger.CallbackDone)]


def test_a_callback_ends_its_call_apart_and_rings_the_agent_before_the_customer() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)

    agent = floor.seat("1", 60)

    assert floor.ending("c1") is Disposition.CALLBACK
    assert floor.state(agent) is AgentState.RINGING
    assert all_of(floor.log, orders.DialLine) == []


def test_the_number_is_looked_up_when_it_is_dialled_and_stands_in_no_row() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.seat("1", 60)
    leg_id = one(floor.log, orders.RingAgent).leg_id

    sought = one(floor.answer(leg_id, 65), orders.FindNumber)
    outcome = floor.tell(facts.NumberFound(call_id=sought.call_id, number=LOCAL), 65)

    assert sought.caller_of == CallId("c1")
    assert (one(outcome, orders.DialLine).number, one(outcome, orders.DialLine).line_id) == (LOCAL, LINE)
    assert not any(LOCAL in repr(each) for each in floor.log if isinstance(each, ledger.Entry))


def test_a_reached_customer_is_bridged_and_the_callback_is_done() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    agent = floor.seat("1", 60)
    out = dialled_line(floor, floor.log, 65)

    bridged = floor.tell(facts.LineAnswered(call_id=out), 70)
    ended = floor.tell(facts.LineHungUp(call_id=out), 100)

    assert one(bridged, orders.BridgeLine).call_id == out
    assert (one(ended, ledger.OutboundEnded).ring_ms, one(ended, ledger.OutboundEnded).talk_ms) == (
        5_000,
        30_000,
    )
    assert done(floor) == [("c1", CallbackOutcome.REACHED)]
    assert floor.state(agent) is AgentState.READY


def test_a_callback_keeps_its_place_before_callers_who_came_later() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.call("c2", 10)

    floor.seat("1", 60)

    assert one(floor.log, ledger.OutboundBegan).callback_of == CallId("c1")
    assert all_of(floor.log, ledger.AgentOffered)[0].call_id != CallId("c2")


def test_a_caller_who_came_earlier_is_served_before_a_callback() -> None:
    floor = site()
    floor.call("c1", 0)
    ask_callback(floor, "c2", 10)

    floor.seat("1", 60)

    assert one(floor.log, ledger.AgentOffered).call_id == CallId("c1")
    assert all_of(floor.log, ledger.OutboundBegan) == []


def test_callbacks_in_flight_never_exceed_idle_agents() -> None:
    floor = site()
    for name in ("c1", "c2", "c3"):
        ask_callback(floor, name, 0)

    floor.seat("1", 60)
    floor.seat("2", 60)

    in_flight = [each for each in floor.floor.callbacks() if each.outbound_id is not None]
    assert [each.call_id for each in in_flight] == ["c1", "c2"]


def test_an_idle_agent_is_taken_as_soon_as_a_caller_asks() -> None:
    floor = site()
    floor.call("c1", 0)
    agent = floor.seat("1", 0, frozenset({Skill("other")}))
    floor.tell(facts.CallerChoseCallback(call_id=CallId("c1")), 5)

    floor.tell(facts.AgentLoggedIn(agent_id=agent, skills=sales().skills), 10)

    assert rung(floor.log) == [agent]


def test_in_vain_it_rests_and_keeps_its_place_until_the_tries_are_over() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.seat("1", 60)
    first = dialled_line(floor, floor.log, 65)
    floor.tell(facts.LineFailed(call_id=first, outcome=OutboundOutcome.BUSY), 70)

    assert rung(floor.wait_until(70 + 599)) == []
    again = floor.wait_until(70 + 600)
    second = dialled_line(floor, again, 675)
    floor.tell(facts.LineFailed(call_id=second, outcome=OutboundOutcome.NO_ANSWER), 700)

    tried = all_of(floor.log, ledger.CallbackTried)
    assert [(each.outcome, each.is_counted) for each in tried] == [
        (OutboundOutcome.BUSY, True),
        (OutboundOutcome.NO_ANSWER, True),
    ]
    assert done(floor) == [("c1", CallbackOutcome.NOT_REACHED)]


def test_a_customer_whose_phone_rings_for_ever_is_given_up_and_the_agent_keeps_its_place() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    agent = floor.seat("1", 60)
    other = floor.seat("2", 61)
    out = dialled_line(floor, floor.log, 65)

    floor.wait_until(65 + 45)

    assert one(floor.log, orders.HangUpLine).call_id == out
    assert one(floor.log, ledger.OutboundEnded).outcome is OutboundOutcome.NO_ANSWER
    floor.call("c2", 120)
    assert rung(floor.log)[-1] == agent != other


def test_an_agent_who_does_not_answer_costs_no_try_and_the_next_one_is_rung() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.seat("1", 60)
    floor.seat("2", 61)
    leg_id = all_of(floor.log, orders.RingAgent)[0].leg_id

    floor.tell(facts.LegFailed(leg_id=leg_id, reason=RingFailure.NO_ANSWER), 75)

    assert rung(floor.log) == ["beijing/1", "beijing/2"]
    assert all_of(floor.log, ledger.CallbackTried) == []


def test_an_agent_who_hangs_up_early_stops_the_line_and_the_callback_rests() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    agent = floor.seat("1", 60)
    out = dialled_line(floor, floor.log, 65)

    outcome = floor.tell(facts.HangUpAsked(agent_id=agent), 70)

    assert one(outcome, orders.HangUpLine).call_id == out
    assert one(outcome, ledger.CallbackTried).outcome is OutboundOutcome.AGENT_GAVE_UP
    assert floor.state(agent) is AgentState.READY


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (None, CallbackOutcome.NO_NUMBER),
        (PREMIUM, CallbackOutcome.NOT_ALLOWED),
        ("+4412345678", CallbackOutcome.NOT_ALLOWED),
    ],
)
def test_nobody_is_dialled_for_a_number_that_is_withheld_or_barred(
    number: str | None, outcome: CallbackOutcome
) -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    agent = floor.seat("1", 60)
    sought = one(floor.answer(one(floor.log, orders.RingAgent).leg_id, 65), orders.FindNumber)

    floor.tell(facts.NumberFound(call_id=sought.call_id, number=number), 65)

    assert all_of(floor.log, orders.DialLine) == []
    assert done(floor) == [("c1", outcome)]
    assert floor.state(agent) is AgentState.READY


def test_a_full_line_costs_no_try() -> None:
    floor = site(OutboundPolicy(routes=POLICY.routes, lines={LINE: 0}))
    ask_callback(floor, "c1", 0)
    floor.seat("1", 60)
    sought = one(floor.answer(one(floor.log, orders.RingAgent).leg_id, 65), orders.FindNumber)

    outcome = floor.tell(facts.NumberFound(call_id=sought.call_id, number=LOCAL), 65)

    tried = one(outcome, ledger.CallbackTried)
    assert (tried.outcome, tried.is_counted) == (OutboundOutcome.LIMIT, False)
    assert [each.try_count for each in floor.floor.callbacks()] == [0]


def test_nobody_is_called_outside_the_hours_and_all_are_when_they_begin() -> None:
    floor = site(is_open=False)
    ask_callback(floor, "c1", 0)
    agent = floor.seat("1", 60)

    assert floor.state(agent) is AgentState.READY
    floor.tell(facts.CallingHoursChanged(is_open=True), 3_600)
    assert floor.state(agent) is AgentState.RINGING


def test_a_try_in_progress_goes_on_when_the_hours_end() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.seat("1", 60)
    out = dialled_line(floor, floor.log, 65)

    floor.tell(facts.CallingHoursChanged(is_open=False), 66)
    floor.tell(facts.LineAnswered(call_id=out), 70)

    assert done(floor) == []
    assert one(floor.log, orders.BridgeLine).call_id == out


def test_a_site_that_drains_calls_nobody_back() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 10)

    agent = floor.seat("1", 60)
    assert floor.state(agent) is AgentState.READY
    floor.tell(facts.AcceptingChanged(is_accepting=True, reason="DRAIN"), 70)

    assert floor.state(agent) is AgentState.RINGING


def test_without_a_line_of_its_own_the_request_is_kept_and_no_agent_is_bothered() -> None:
    floor = site(OutboundPolicy())
    ask_callback(floor, "c1", 0)

    agent = floor.seat("1", 60)

    assert floor.state(agent) is AgentState.READY
    assert [each.call_id for each in floor.floor.callbacks()] == ["c1"]


def test_a_callback_of_the_last_resort_keeps_its_place_too() -> None:
    floor = FloorUnderTest(
        policies=[sales(wait_limit_ms=30_000, last_resort=LastResort.CALLBACK)],
        outbound=POLICY,
        callback=TRIES,
    )
    floor.tell(facts.CallingHoursChanged(is_open=True), 0)
    floor.call("c1", 0)
    floor.wait_until(30)
    floor.call("c2", 20 + 11)

    floor.seat("1", 60)

    assert one(floor.log, ledger.OutboundBegan).callback_of == CallId("c1")


def test_a_queue_that_asks_for_other_skills_asks_them_for_its_callbacks_too() -> None:
    floor = site()
    ask_callback(floor, "c1", 0)
    floor.tell(facts.PolicyApplied(policy=sales(version=2)), 5)

    other = floor.seat("1", 10, frozenset({Skill("other")}))
    assert floor.state(other) is AgentState.READY
    fitting = floor.seat("2", 20)
    assert floor.state(fitting) is AgentState.RINGING


def test_a_policy_that_could_not_be_carried_out_is_refused() -> None:
    with pytest.raises(InvalidPolicyError):
        CallbackPolicy(try_limit=0)
    with pytest.raises(InvalidPolicyError):
        CallbackPolicy(pause_ms=0)
