"""What a waiting, ringing or talking caller may rely on."""

import pytest

from router import facts, ledger, orders
from router.acd.policy import LastResort, QueuePolicy
from router.agent import AgentState, RingFailure
from router.call import CallState, Disposition
from router.errors import (
    DuplicateError,
    InvalidPolicyError,
    NotAcceptingError,
    UnknownQueueError,
    WrongStateError,
)
from router.ids import CallId, LegId, QueueId, Skill
from router.recovery import Inventory, LiveLeg, MediaState, OpenCall, OpenSession, OpenWork
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, rung, sales

C1, C2, C3 = CallId("c1"), CallId("c2"), CallId("c3")


def test_the_oldest_call_is_served_first() -> None:
    floor = FloorUnderTest()
    floor.call(C1, 0)
    floor.call(C2, 1)

    floor.seat("1", 5)

    assert one(floor.log, orders.RingAgent).call_id == C1


def test_priority_is_a_head_start_and_nobody_starves() -> None:
    floor = FloorUnderTest(policies=[sales(priority_head_start_ms=30_000)])
    floor.call(C1, 0)
    floor.call(C2, 29, priority=1)
    floor.call(C3, 62, priority=1)

    for n, name in enumerate("123"):
        floor.seat(name, 100 + n)

    assert [order.call_id for order in all_of(floor.log, orders.RingAgent)] == [C2, C1, C3]


def test_ring_no_answer_returns_the_call_to_its_place_with_its_enqueue_time() -> None:
    floor = FloorUnderTest(policies=[sales(ring_limit_ms=15_000)])
    agent = floor.seat("1", 0)
    floor.call(C1, 10)
    floor.call(C2, 11)

    outcome = floor.wait_until(25)

    assert one(outcome, ledger.RingFailed).reason is RingFailure.NO_ANSWER
    assert floor.state(agent) is AgentState.MISSED
    assert floor.floor.position(C1) == 1
    view = floor.floor.call(C1)
    assert view is not None
    assert view.queued_at == at(10)


def test_a_one_agent_branch_does_not_starve_after_a_missed_call() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    floor.call(C1, 1)
    floor.wait_until(20)

    outcome = floor.tell(facts.AgentBecameReady(agent_id=agent), 30)

    assert one(outcome, orders.RingAgent).call_id == C1


def test_a_caller_who_hangs_up_while_the_phone_rings_frees_the_agent_at_once() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    floor.call(C1, 1)

    outcome = floor.tell(facts.CallerHungUp(call_id=C1), 2)

    assert floor.state(agent) is AgentState.READY
    assert floor.ending(C1) is Disposition.ABANDONED_RINGING
    assert all_of(outcome, orders.StopRinging)


def test_the_wait_counts_ring_time_and_talk_and_hold_are_apart() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 10), orders.RingAgent).leg_id
    floor.answer(leg, 14)
    floor.tell(facts.HoldAsked(agent_id=agent), 20)
    floor.tell(facts.ResumeAsked(agent_id=agent), 25)

    outcome = floor.tell(facts.CallerHungUp(call_id=C1), 40)

    ended = one(outcome, ledger.CallEnded)
    assert (ended.waited_ms, ended.talk_ms, ended.hold_ms) == (4_000, 21_000, 5_000)
    assert ended.disposition is Disposition.ANSWERED


def test_a_short_abandon_is_flagged() -> None:
    floor = FloorUnderTest(policies=[sales(short_abandon_ms=5_000)])
    floor.call(C1, 0)
    floor.call(C2, 0)

    floor.tell(facts.CallerHungUp(call_id=C1), 4.9)
    floor.tell(facts.CallerHungUp(call_id=C2), 5)

    assert [e.is_short for e in all_of(floor.log, ledger.CallEnded)] == [True, False]


@pytest.mark.parametrize(
    ("last_resort", "ending"),
    [(LastResort.HANG_UP, Disposition.TIMED_OUT), (LastResort.CALLBACK, Disposition.CALLBACK)],
)
def test_a_wait_limit_ends_the_wait_as_the_policy_says(last_resort: LastResort, ending: Disposition) -> None:
    floor = FloorUnderTest(policies=[sales(wait_limit_ms=60_000, last_resort=last_resort)])
    floor.call(C1, 0)

    floor.wait_until(59)
    assert floor.ending(C1) is None
    floor.wait_until(60)

    assert floor.ending(C1) is ending


def test_voicemail_is_an_ending_of_its_own_once_the_message_is_there() -> None:
    floor = FloorUnderTest(policies=[sales(wait_limit_ms=60_000, last_resort=LastResort.VOICEMAIL)])
    floor.call(C1, 0)

    outcome = floor.wait_until(60)
    floor.seat("1", 61)
    assert one(outcome, orders.RecordVoicemail).call_id == C1
    floor.tell(facts.VoicemailRecorded(call_id=C1), 90)

    assert floor.ending(C1) is Disposition.VOICEMAIL
    assert rung(floor.log) == []


def test_a_message_found_later_is_a_call_of_its_own_that_asked_for_nobody() -> None:
    floor = FloorUnderTest(policies=[sales(waiting_call_limit=1)])
    floor.seat("1", 0)
    found = facts.MessageFound(call_id=C1, queue_id=SALES, dialled="95588", customer_id=None)

    outcome = floor.tell(found, 60)

    assert [type(each) for each in outcome if isinstance(each, ledger.Entry)] == [
        ledger.CallArrived,
        ledger.VoicemailBegan,
        ledger.VoicemailLeft,
        ledger.CallEnded,
    ]
    ended = one(outcome, ledger.CallEnded)
    assert (ended.disposition, ended.reason, ended.waited_ms) == (Disposition.VOICEMAIL, "NODE_DOWN", 0)
    assert [each for each in outcome if isinstance(each, orders.Order)] == [], "nobody is there or rung"


@pytest.mark.parametrize(
    ("was_put_through", "disposition", "reason"),
    [(False, Disposition.ABANDONED_IN_IVR, "NODE_DOWN"), (True, Disposition.NO_AGENTS, "PUT_THROUGH")],
)
def test_a_caller_left_alone_is_a_call_of_the_books_that_nobody_was_offered(
    was_put_through: bool, disposition: Disposition, reason: str
) -> None:
    floor = FloorUnderTest(policies=[sales(waiting_call_limit=1)])
    floor.seat("1", 0)

    outcome = floor.tell(left_alone(was_put_through=was_put_through), 60)

    arrived, ended = outcome
    assert isinstance(arrived, ledger.CallArrived)
    assert isinstance(ended, ledger.CallEnded)
    assert (ended.disposition, ended.reason, ended.waited_ms) == (disposition, reason, 0)


def left_alone(*, was_put_through: bool = False) -> facts.CallerLeftAlone:
    return facts.CallerLeftAlone(
        call_id=C1, queue_id=SALES, dialled="95588", customer_id=None, was_put_through=was_put_through
    )


@pytest.mark.parametrize(
    "found",
    [
        facts.MessageFound(call_id=C1, queue_id=SALES, dialled="95588", customer_id=None),
        left_alone(),
    ],
)
def test_a_site_that_drains_takes_nobody_in_whom_the_pbx_met_alone(found: facts.Fact) -> None:
    floor = FloorUnderTest()
    floor.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAINING"), 0)

    with pytest.raises(NotAcceptingError):
        floor.tell(found, 60)

    assert all_of(floor.log, ledger.CallArrived) == []


def test_a_full_queue_turns_the_next_caller_away_on_the_record() -> None:
    floor = FloorUnderTest(policies=[sales(waiting_call_limit=1)])
    floor.call(C1, 0)

    outcome = floor.call(C2, 1)

    assert one(outcome, ledger.CallEnded).disposition is Disposition.REJECTED
    assert one(outcome, orders.HangUpCall).call_id == C2


def test_position_and_wait_are_announced_and_never_rise() -> None:
    floor = FloorUnderTest(policies=[sales(announce_interval_ms=30_000)])
    agent = floor.seat("1", 0)
    leg = one(floor.call("c0", 0), orders.RingAgent).leg_id
    floor.answer(leg, 0)
    floor.tell(facts.LegHungUp(leg_id=leg), 100)
    leg = one(floor.call(C1, 100), orders.RingAgent).leg_id
    floor.answer(leg, 100)
    floor.call(C2, 110)
    floor.call("vip", 120, priority=9)
    said = all_of(floor.wait_until(200), orders.Announce)

    heard = [(s.position, s.expected_wait_s) for s in said if s.call_id == C2]
    positions, waits = zip(*heard, strict=True)
    assert floor.state(agent) is AgentState.TALKING
    assert list(positions) == sorted(positions, reverse=True)
    assert list(waits) == sorted(waits, reverse=True)


def test_no_wait_is_told_without_agents_or_history() -> None:
    floor = FloorUnderTest(policies=[sales(announce_interval_ms=30_000)])
    floor.call(C1, 0)

    said = all_of(floor.wait_until(31), orders.Announce)

    assert [(s.position, s.expected_wait_s) for s in said] == [(1, None)]


def test_wrap_up_ends_at_its_limit_or_by_the_agents_word() -> None:
    floor = FloorUnderTest(policies=[sales(wrap_up_limit_ms=30_000)])
    agent = floor.seat("1", 0)
    for name, start in ((C1, 0), (C2, 100)):
        leg = one(floor.call(name, start), orders.RingAgent).leg_id
        floor.answer(leg, start)
        floor.tell(facts.LegHungUp(leg_id=leg), start + 10)
        assert floor.state(agent) is AgentState.WRAP_UP
        if name == C1:
            floor.tell(facts.WrapupFinished(agent_id=agent), 15)
        else:
            floor.wait_until(140)
        assert floor.state(agent) is AgentState.READY

    assert [e.wrapup_ms for e in all_of(floor.log, ledger.WrapupEnded)] == [5_000, 30_000]


def test_not_ready_and_log_out_take_effect_after_the_call() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.answer(leg, 1)

    floor.tell(facts.AgentBecameNotReady(agent_id=agent, reason="LUNCH"), 2)
    assert floor.state(agent) is AgentState.TALKING
    floor.tell(facts.LegHungUp(leg_id=leg), 3)

    assert floor.state(agent) is AgentState.NOT_READY
    floor.tell(facts.AgentLoggedOut(agent_id=agent), 4)
    assert floor.state(agent) is AgentState.LOGGED_OUT


def test_a_blind_transfer_keeps_the_callers_seniority() -> None:
    loans = QueuePolicy(queue_id=QueueId("loans"), skills=frozenset({Skill("loans")}))
    floor = FloorUnderTest(policies=[sales(), loans])
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.answer(leg, 1)
    floor.call(C2, 5, loans.queue_id)

    floor.tell(facts.TransferAsked(agent_id=agent, to_queue=loans.queue_id), 20)

    assert floor.floor.position(C1) == 1
    assert floor.floor.position(C2) == 2
    assert floor.state(agent) is AgentState.READY
    floor.tell(facts.CallerHungUp(call_id=C1), 30)
    assert floor.ending(C1) is Disposition.ANSWERED


def test_a_talk_is_no_waiting_for_who_is_transferred() -> None:
    floor = FloorUnderTest(policies=[sales(wait_limit_ms=60_000)])
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.answer(leg, 1)
    floor.wait_until(300)

    floor.tell(facts.AgentBecameNotReady(agent_id=agent, reason="TEA"), 300)
    floor.tell(facts.TransferAsked(agent_id=agent, to_queue=SALES), 300)

    floor.wait_until(359)
    assert floor.ending(C1) is None
    floor.wait_until(360)
    assert floor.ending(C1) is Disposition.ANSWERED


def test_a_call_whose_queue_was_removed_is_not_transferred_to_where_it_could_not_wait() -> None:
    floor = FloorUnderTest()
    first, second = floor.seat("1", 0), floor.seat("2", 1)
    gone = OpenCall(
        call_id=C1,
        queue_id=QueueId("gone"),
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        state=CallState.CONNECTED,
        queued_at=at(0),
        connected_at=at(1),
        leg_id=LegId("l1"),
        agent_id=first,
    )
    leg = LiveLeg(leg_id=LegId("l1"), agent_id=first, call_id=C1, handoff_id=None, state=MediaState.BRIDGED)
    sessions = tuple(
        OpenSession(agent_id=agent, skills=SALES_SKILLS, state=state, reason=None)
        for agent, state in ((first, AgentState.TALKING), (second, AgentState.READY))
    )
    after = FloorUnderTest()
    alive = Inventory(callers=frozenset({C1}), legs={leg.leg_id: leg})
    after.floor.resume(OpenWork(calls=(gone,), sessions=sessions), alive, at(2))

    with pytest.raises(UnknownQueueError, match="'gone'"):
        after.tell(facts.TransferAsked(agent_id=first, to_agent=second), 3)

    assert after.state(first) is AgentState.TALKING
    assert after.state(second) is AgentState.READY


def test_a_restart_ends_who_waited_in_a_queue_that_was_removed() -> None:
    gone = OpenCall(
        call_id=C1,
        queue_id=QueueId("gone"),
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        state=CallState.QUEUED,
        queued_at=at(0),
    )
    floor = FloorUnderTest()

    resumed = floor.floor.resume(OpenWork(calls=(gone,)), Inventory(callers=frozenset({C1})), at(5))

    ended = one(resumed, ledger.CallEnded)
    assert (ended.disposition, ended.reason) == (Disposition.FAILED, "QUEUE_REMOVED")
    assert one(resumed, orders.HangUpCall).call_id == C1


def test_a_log_in_during_the_call_takes_the_log_out_back() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.answer(leg, 1)
    floor.tell(facts.AgentLoggedOut(agent_id=agent), 2)
    floor.tell(facts.AgentLoggedIn(agent_id=agent, skills=SALES_SKILLS), 3)

    floor.tell(facts.CallerHungUp(call_id=C1), 4)

    assert floor.state(agent) is AgentState.NOT_READY


def test_a_transfer_to_an_agent_rings_that_agent_or_is_refused() -> None:
    floor = FloorUnderTest()
    first = floor.seat("1", 0)
    second = floor.seat("2", 1, frozenset())
    leg = one(floor.call(C1, 2), orders.RingAgent).leg_id
    floor.answer(leg, 3)

    outcome = floor.tell(facts.TransferAsked(agent_id=first, to_agent=second), 10)

    assert rung(outcome) == [second]
    with pytest.raises(WrongStateError, match="connected call"):
        floor.tell(facts.TransferAsked(agent_id=first, to_agent=second), 11)


def test_refusals_change_nothing() -> None:
    floor = FloorUnderTest()
    floor.call(C1, 0)

    with pytest.raises(DuplicateError):
        floor.call(C1, 1)
    with pytest.raises(UnknownQueueError, match="'loans'"):
        floor.call(C2, 1, QueueId("loans"))
    with pytest.raises(InvalidPolicyError, match="0 to 9"):
        floor.call(C2, 1, priority=10)
    floor.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 2)
    with pytest.raises(NotAcceptingError):
        floor.call(C2, 3)

    assert [(c.call_id, c.state) for c in floor.floor.calls()] == [(C1, CallState.QUEUED)]


def test_a_lost_channel_ends_the_call_as_failed_and_frees_the_agent() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.answer(leg, 1)

    floor.tell(facts.CallFailed(call_id=C1, reason="PBX_RESTARTED"), 5)

    assert floor.ending(C1) is Disposition.FAILED
    assert floor.state(agent) is AgentState.READY


def test_what_the_pbx_tells_of_something_over_is_passed_over() -> None:
    floor = FloorUnderTest()
    floor.seat("1", 0)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id
    floor.tell(facts.CallerHungUp(call_id=C1), 1)

    for fact in (
        facts.LegRang(leg_id=leg),
        facts.LegAnswered(leg_id=leg),
        facts.LegFailed(leg_id=leg, reason=RingFailure.BUSY),
        facts.LegHungUp(leg_id=leg),
        facts.CallerHungUp(call_id=C1),
    ):
        assert floor.tell(fact, 2) == []


def test_a_busy_agent_is_told_apart_from_one_out_of_reach() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0, SALES_SKILLS)
    leg = one(floor.call(C1, 0), orders.RingAgent).leg_id

    floor.tell(facts.LegFailed(leg_id=leg, reason=RingFailure.UNREACHABLE), 1)

    assert floor.state(agent) is AgentState.UNREACHABLE
