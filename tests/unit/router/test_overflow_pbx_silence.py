"""A PBX answers nothing for a while: whom it would have to ring or dial for is served elsewhere, or waits."""

import pytest

from router import facts, ledger, orders
from router.acd.silence import PBX_SILENT
from router.agent import AgentState, RingFailure
from router.call import CallState
from router.ids import HandoffId, LineId, SiteId
from router.orders import Outcome
from router.outbound.policy import OutboundPolicy, Route
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Given,
    Refusal,
    Refused,
    Reserved,
    ReserveLine,
)
from tests.fakes.floor import SALES, FloorUnderTest, all_of, at, one, rung
from tests.fakes.floor_pair import C1, Pair

SILENT, HEARD = facts.PbxSilent(), facts.PbxHeard()


def cancels(outcome: Outcome) -> list[Cancel]:
    return [ask.request for ask in all_of(outcome, orders.Ask) if isinstance(ask.request, Cancel)]


def told_to_origin(pair: Pair, seconds: float) -> None:
    """The helper's PBX falls silent, and its one Cancel reaches the origin."""
    [cancel] = cancels(pair.helper.tell(SILENT, seconds))
    assert cancel.reason == PBX_SILENT
    answer = pair.send(pair.origin, cancel, seconds)
    assert answer == Acknowledged(handoff_id=cancel.handoff_id)


def is_in_its_place(pair: Pair) -> bool:
    view = pair.origin.floor.call(C1)
    return view is not None and (view.state, view.queued_at) == (CallState.QUEUED, 1_000)


def claim_of(pair: Pair, seconds: float) -> Claim:
    pair.origin.tell(facts.SiteGone(site_id=pair.helper.site_id), seconds)
    pair.origin.call(C1, 1)
    claim = one(pair.show(pair.origin, pair.helper, 1.5), orders.Ask).request
    assert isinstance(claim, Claim)
    return claim


# --- a helper's ----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["reserved", "invited", "rings", "rings at home"])
def test_a_caller_who_was_promised_an_agent_is_in_its_place_and_nobody_is_kept(stage: str) -> None:
    pair = Pair()
    request, _ = pair.reserve(1)
    if stage != "reserved":
        leg = one(pair.invite(request.handoff_id, 1.5), orders.RingAgent).leg_id
        if stage != "invited":
            pair.helper.tell(facts.LegRang(leg_id=leg), 1.6)
        if stage == "rings at home":
            pair.origin.tell(facts.TrunkRang(handoff_id=request.handoff_id), 1.7)

    told_to_origin(pair, 5)

    assert is_in_its_place(pair)
    assert list(pair.helper.floor.handoffs()) == []
    assert pair.agent_state() is AgentState.UNREACHABLE
    assert one(pair.helper.log, ledger.HandoffCancelled).reason == PBX_SILENT


def test_the_phone_and_the_trunk_are_let_go_once_the_pbx_hears_of_it() -> None:
    pair = Pair()
    handoff_id, leg = pair.ring(1)

    outcome = pair.helper.tell(SILENT, 5)

    assert one(outcome, orders.StopRinging).leg_id == leg
    assert one(outcome, orders.HangUpTrunk).handoff_id == handoff_id


def test_a_talk_goes_on_until_a_pbx_says_otherwise() -> None:
    pair = Pair()
    handoff_id, _leg = pair.connect(1)

    assert cancels(pair.helper.tell(SILENT, 5)) == []
    pair.helper.tell(HEARD, 20)

    assert pair.agent_state() is AgentState.TALKING
    pair.helper.tell(facts.TrunkHungUp(handoff_id=handoff_id), 30)
    assert pair.agent_state() is AgentState.READY


def test_nobody_is_promised_and_the_board_shows_it() -> None:
    pair = Pair()
    pair.helper.tell(SILENT, 0.6)

    request = pair.ask(1)

    assert not pair.helper.floor.load(at(1)).accepting
    answer = pair.send(pair.helper, request, 1)
    assert answer == Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)
    shown = one(pair.helper.wait_until(1), orders.PublishLoad).load
    assert (shown.accepting, shown.queues[SALES].agents_idle) == (False, 0)


def test_a_claim_under_way_is_taken_back() -> None:
    pair = Pair()
    claim = claim_of(pair, 0.6)
    assert isinstance(pair.send(pair.origin, claim, 1.6), Given)

    told_to_origin(pair, 5)

    assert is_in_its_place(pair)
    assert pair.agent_state() is AgentState.UNREACHABLE


def test_a_line_is_not_lent() -> None:
    here, guest, line = SiteId("urumqi"), SiteId("beijing"), LineId("line")
    route = Route(prefix="+86", site_id=here, line_id=line, guests=frozenset({guest}))
    outbound = OutboundPolicy(routes=(route,), lines={line: 1})
    floor = FloorUnderTest(here, peers=[guest], outbound=outbound)
    asked = ReserveLine(handoff_id=HandoffId("h"), call_id=C1, number="+86101", timeout_ms=500)
    floor.tell(SILENT, 1)

    outcome = floor.tell(facts.SiteAsked(site_id=guest, incarnation=1, request=asked), 2)

    answer = Refused(handoff_id=HandoffId("h"), reason=Refusal.NOT_ACCEPTING)
    assert one(outcome, orders.Answer).reply == answer


# --- an origin's ---------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["asked", "dialled", "rings"])
def test_a_helper_is_told_that_the_caller_cannot_come(stage: str) -> None:
    pair = Pair()
    if stage == "asked":
        request = pair.ask(1)
        assert isinstance(pair.send(pair.helper, request, 1), Reserved)
    elif stage == "dialled":
        pair.reserve(1)
    else:
        pair.ring(1)

    [cancel] = cancels(pair.origin.tell(SILENT, 2))
    pair.send(pair.helper, cancel, 2)

    assert is_in_its_place(pair)
    assert pair.agent_state() is AgentState.READY


def test_nobody_is_asked_for_a_caller_who_cannot_be_dialled_for_and_a_claim_is_refused() -> None:
    pair = Pair()
    claim = claim_of(pair, 0.6)
    pair.show(pair.helper, pair.origin, 1.6)
    pair.origin.tell(SILENT, 2)

    answer = pair.send(pair.origin, claim, 3)
    asked = all_of(pair.origin.wait_until(20), orders.Ask)

    assert answer == Refused(handoff_id=claim.handoff_id, reason=Refusal.NOT_ACCEPTING)
    assert [ask for ask in asked if not isinstance(ask.request, Cancel)] == []


def test_helpers_are_asked_again_as_soon_as_the_pbx_answers() -> None:
    pair = Pair()
    pair.origin.tell(SILENT, 0.6)
    assert all_of(pair.origin.call(C1, 1), orders.Ask) == []

    [ask] = all_of(pair.origin.tell(HEARD, 9), orders.Ask)

    assert ask.site_id == pair.helper.site_id


# --- agents --------------------------------------------------------------------------------


def test_who_was_idle_is_idle_again_with_nothing_to_say_and_serves_who_came_meanwhile() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    floor.tell(SILENT, 1)

    assert rung(floor.call("c1", 2)) == []
    assert floor.state(agent) is AgentState.UNREACHABLE
    assert rung(floor.tell(HEARD, 9)) == [agent]


def test_who_becomes_idle_or_says_ready_meanwhile_is_rung_only_afterwards() -> None:
    floor = FloorUnderTest()
    talker, other = floor.seat("1", 0), floor.seat("2", 0)
    floor.tell(facts.AgentBecameNotReady(agent_id=other, reason="TEA"), 0)
    leg = one(floor.call("c1", 1), orders.RingAgent).leg_id
    floor.answer(leg, 2)
    floor.tell(SILENT, 3)
    floor.call("c2", 4)
    floor.call("c3", 4)

    floor.tell(facts.LegHungUp(leg_id=leg), 5)
    meanwhile = floor.tell(facts.AgentBecameReady(agent_id=other), 6)

    assert rung(meanwhile) == []
    assert {floor.state(talker), floor.state(other)} == {AgentState.UNREACHABLE}
    assert set(rung(floor.tell(HEARD, 9))) == {talker, other}


def test_a_ring_in_vain_is_not_the_agents_fault() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call("c1", 1), orders.RingAgent).leg_id
    floor.tell(SILENT, 2)

    floor.tell(facts.LegFailed(leg_id=leg, reason=RingFailure.NO_ANSWER), 30)

    assert floor.state(agent) is AgentState.UNREACHABLE
    assert rung(floor.tell(HEARD, 40)) == [agent]


def test_who_answers_a_phone_that_rang_before_is_idle_after_the_talk() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    leg = one(floor.call("c1", 1), orders.RingAgent).leg_id
    floor.tell(SILENT, 2)
    floor.answer(leg, 8)
    floor.tell(HEARD, 9)

    floor.tell(facts.LegHungUp(leg_id=leg), 20)

    assert floor.state(agent) is AgentState.READY


def test_who_went_on_a_break_meanwhile_stays_there() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    floor.tell(SILENT, 1)
    floor.tell(facts.AgentBecameNotReady(agent_id=agent, reason="TEA"), 2)

    floor.tell(HEARD, 9)

    assert floor.state(agent) is AgentState.NOT_READY


def test_a_silent_pbx_that_turns_out_to_be_dead_has_agents_who_have_to_say_that_they_are_there() -> None:
    floor = FloorUnderTest()
    agent = floor.seat("1", 0)
    floor.tell(SILENT, 1)
    floor.tell(facts.PbxDied(reason="PBX_DOWN"), 5)

    floor.tell(HEARD, 9)

    view = floor.floor.agent(agent)
    assert view is not None
    assert (view.state, view.reason) == (AgentState.UNREACHABLE, "PBX_DOWN")


def test_silence_is_told_twice_and_changes_nothing_more() -> None:
    pair = Pair()
    pair.ring(1)
    pair.helper.tell(SILENT, 5)

    assert cancels(pair.helper.tell(SILENT, 6)) == []
    assert one(pair.helper.log, ledger.HandoffCancelled).peer == SiteId("beijing")
