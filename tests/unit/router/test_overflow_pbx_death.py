"""A helper's PBX dies at every step of a hand-off: its origin is told, and where its caller is then."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState, RingFailure
from router.call import CallState, Disposition
from router.ids import HandoffId, LegId
from router.orders import Outcome
from router.overflow.messages import Acknowledged, Cancel, Claim, Given, Refusal, Refused, Reply
from tests.fakes.floor import FloorUnderTest, all_of, one, rung
from tests.fakes.floor_pair import C1, Pair

DEAD = "PBX_DOWN"


def die(pair: Pair, seconds: float, handoff_id: HandoffId | None = None, leg: LegId | None = None) -> Outcome:
    """As a driver tells it: phones, the death, and then the end of each channel that there was."""
    told: list[facts.Fact] = [
        facts.AgentBecameUnreachable(agent_id=agent_id, reason=DEAD) for agent_id in pair.agents
    ]
    told.append(facts.PbxDied(reason=DEAD))
    if leg is not None:
        is_up = pair.agent_state() is AgentState.TALKING
        ring_over = facts.LegFailed(leg_id=leg, reason=RingFailure.UNREACHABLE)
        told.append(facts.LegHungUp(leg_id=leg) if is_up else ring_over)
    if handoff_id is not None:
        told.append(facts.TrunkHungUp(handoff_id=handoff_id))
    return [item for fact in told for item in pair.helper.tell(fact, seconds)]


def cancel(outcome: Outcome) -> Cancel:
    request = one(outcome, orders.Ask).request
    assert isinstance(request, Cancel)
    assert request.reason == DEAD
    return request


def reply(pair: Pair, request: Cancel, answer: Reply, seconds: float) -> Outcome:
    """The origin's answer reaches the helper."""
    return pair.helper.tell(
        facts.SiteReplied(site_id=pair.origin.site_id, incarnation=1, request=request, reply=answer), seconds
    )


def silent(pair: Pair, request: Cancel, seconds: float) -> None:
    pair.helper.tell(facts.SiteSilent(site_id=pair.origin.site_id, request=request), seconds)


def assert_waits_in_its_place(pair: Pair) -> None:
    view = pair.origin.floor.call(C1)
    assert view is not None
    assert (view.state, view.queued_at, view.handoff_id) == (CallState.QUEUED, 1_000, None)
    assert one(pair.origin.log, ledger.HandoffRefused).reason == DEAD
    home = pair.origin.seat("home", 9)
    assert rung(pair.origin.log) == [home]


def assert_helper_is_through(pair: Pair) -> None:
    """Nothing is kept for a hand-off, and nobody is rung by a PBX that is no more."""
    assert list(pair.helper.floor.handoffs()) == []
    assert pair.agent_state() is AgentState.UNREACHABLE


def test_a_reservation_is_taken_back_before_its_answer_comes() -> None:
    pair = Pair()
    request = pair.ask(1)
    reserved = pair.send(pair.helper, request, 1)

    told = cancel(die(pair, 2))

    assert pair.send(pair.origin, told, 2.1) == Acknowledged(handoff_id=request.handoff_id)
    late = pair.reply(request, reserved, 2.2)
    assert all_of(late, orders.DialSite) == []
    assert_waits_in_its_place(pair)
    assert_helper_is_through(pair)
    assert one(pair.helper.log, ledger.HandoffCancelled).reason == DEAD


def test_a_reservation_whose_invite_is_under_way_is_taken_back() -> None:
    pair = Pair()
    request, _ = pair.reserve(1)

    told = cancel(die(pair, 2))
    pair.send(pair.origin, told, 2.1)

    assert one(pair.origin.log, orders.HangUpTrunk).handoff_id == request.handoff_id
    assert_waits_in_its_place(pair)
    assert_helper_is_through(pair)


def test_a_claim_under_way_is_taken_back() -> None:
    pair = Pair()
    pair.origin.tell(facts.SiteGone(site_id=pair.helper.site_id), 0.6)
    pair.origin.call(C1, 1)
    claim = one(pair.show(pair.origin, pair.helper, 1.5), orders.Ask).request
    assert isinstance(claim, Claim)
    given = pair.send(pair.origin, claim, 1.6)
    assert isinstance(given, Given)

    told = cancel(die(pair, 2))
    pair.send(pair.origin, told, 2.1)

    assert_waits_in_its_place(pair)
    assert_helper_is_through(pair)


@pytest.mark.parametrize("is_ringing_at_home", [False, True])
def test_a_phone_that_rings_stops_and_the_caller_waits_in_its_place(is_ringing_at_home: bool) -> None:
    """Whether the origin has heard the ringing, as the trunk was heard, or not yet."""
    pair = Pair()
    request, _ = pair.reserve(1)
    leg = one(pair.invite(request.handoff_id, 1.5), orders.RingAgent).leg_id
    if is_ringing_at_home:
        pair.helper.tell(facts.LegRang(leg_id=leg), 1.6)
        pair.origin.tell(facts.TrunkRang(handoff_id=request.handoff_id), 1.7)
        assert pair.call_state() is CallState.OFFERED_REMOTE

    told = cancel(die(pair, 2, request.handoff_id, leg))
    pair.send(pair.origin, told, 2.1)

    assert one(pair.origin.log, orders.HangUpTrunk).handoff_id == request.handoff_id
    assert_waits_in_its_place(pair)
    assert_helper_is_through(pair)


def test_a_second_agent_is_not_rung_by_a_dead_pbx() -> None:
    pair = Pair(helper_agents=2)
    handoff_id, leg = pair.ring(1)

    outcome = die(pair, 2, handoff_id, leg)

    assert rung(outcome) == []
    assert_helper_is_through(pair)


def test_a_call_that_was_answered_there_and_not_yet_here_waits_in_its_place() -> None:
    pair = Pair()
    handoff_id, leg = pair.ring(1)
    pair.helper.answer(leg, 1.9)

    told = cancel(die(pair, 2, handoff_id, leg))
    pair.send(pair.origin, told, 2.1)

    assert_waits_in_its_place(pair)
    assert_helper_is_through(pair)
    assert one(pair.helper.log, ledger.HandoffEnded).reason == DEAD


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_talk_ends_as_failed_and_the_caller_is_released(is_confirmed: bool) -> None:
    pair = Pair()
    handoff_id, leg = pair.connect(1)
    if is_confirmed:
        pair.send(pair.helper, one(pair.origin.log, orders.ConfirmHandoff).request, 1.5)

    told = cancel(die(pair, 4, handoff_id, leg))
    answer = pair.send(pair.origin, told, 4.1)

    assert answer == Acknowledged(handoff_id=handoff_id)
    ended = one(pair.origin.log, ledger.CallEnded)
    assert (ended.disposition, ended.reason, ended.talk_ms) == (Disposition.FAILED, DEAD, 3_100)
    assert one(pair.origin.log, ledger.HandoffEnded).reason == DEAD
    assert one(pair.origin.log, orders.HangUpTrunk).handoff_id == handoff_id
    assert one(pair.origin.log, orders.HangUpCall).call_id == C1
    assert_helper_is_through(pair)
    assert pair.origin.tell(facts.TrunkHungUp(handoff_id=handoff_id), 5) == []


def test_the_origin_is_told_until_it_answers() -> None:
    pair = Pair()
    handoff_id, leg = pair.ring(1)
    told = cancel(die(pair, 2, handoff_id, leg))

    for seconds in (2.5, 4.0):
        silent(pair, told, seconds)
        assert cancel(pair.helper.wait_until(seconds + 1)) == told
    reply(pair, told, pair.send(pair.origin, told, 5.1), 5.2)

    assert all_of(pair.helper.wait_until(60), orders.Ask) == []
    assert_waits_in_its_place(pair)


def test_an_origin_that_starts_anew_is_told_again() -> None:
    pair = Pair()
    handoff_id, leg = pair.connect(1)
    told = cancel(die(pair, 2, handoff_id, leg))

    reply(pair, told, Refused(handoff_id=handoff_id, reason=Refusal.STALE_INCARNATION), 2.1)

    assert cancel(pair.helper.wait_until(3.1)) == told


def test_an_origin_that_never_answers_is_told_for_as_long_as_a_hand_off_may_take() -> None:
    pair = Pair()
    handoff_id, leg = pair.ring(1)
    told = cancel(die(pair, 2, handoff_id, leg))

    silent(pair, told, 2)
    told_at = []
    for seconds in range(3, 100):
        for _ in all_of(pair.helper.wait_until(seconds), orders.Ask):
            told_at.append(seconds)
            silent(pair, told, seconds)

    assert told_at == list(range(3, 32))


def test_an_origin_that_confirms_a_talk_which_is_over_learns_so() -> None:
    """What it was told was lost, and its own PBX has heard of no end."""
    pair = Pair()
    handoff_id, leg = pair.connect(1)
    confirm = one(pair.origin.log, orders.ConfirmHandoff).request
    die(pair, 2, handoff_id, leg)

    answer = pair.send(pair.helper, confirm, 3)
    outcome = pair.reply(confirm, answer, 3.1)

    assert answer == Refused(handoff_id=handoff_id, reason=Refusal.CANCELLED)
    assert one(outcome, ledger.CallEnded).disposition is Disposition.ANSWERED
    assert one(outcome, orders.HangUpTrunk).handoff_id == handoff_id
    assert one(outcome, orders.HangUpCall).call_id == C1


def test_a_site_that_helps_nobody_tells_nobody() -> None:
    floor = FloorUnderTest("urumqi", peers=["beijing"])

    assert floor.tell(facts.PbxDied(reason=DEAD), 1) == []
