"""A hand-off between two floors, message by message: who has the call, and who has the agent."""

from dataclasses import replace
from itertools import pairwise

from router import facts, ledger, orders
from router.agent import AgentState, RingFailure
from router.call import CallState, Disposition
from router.ids import CallId, HandoffId, SiteId
from router.orders import Outcome
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    GetHandoff,
    HandoffSeen,
    HandoffState,
    Refusal,
    Refused,
    Request,
    Reserve,
    Reserved,
)
from router.overflow.policy import OverflowPolicy
from router.overflow.trunk_refusal import TrunkRefusal
from tests.fakes.floor import SALES_SKILLS, FloorUnderTest, all_of, at, one, rung
from tests.fakes.floor_pair import C1, Pair


def reject(handoff_id: HandoffId, reason: TrunkRefusal) -> orders.RejectTrunk:
    return orders.RejectTrunk(handoff_id=handoff_id, reason=reason)


def _asks(outcome: Outcome, kind: type[Request]) -> list[Request]:
    return [ask.request for ask in all_of(outcome, orders.Ask) if isinstance(ask.request, kind)]


def test_a_call_without_an_idle_agent_at_home_is_answered_elsewhere() -> None:
    pair = Pair()
    handoff_id, _ = pair.connect(1)

    assert pair.call_state() is CallState.CONNECTED_REMOTE
    assert pair.agent_state() is AgentState.TALKING
    confirm = one(pair.origin.log, orders.ConfirmHandoff).request
    assert pair.send(pair.helper, confirm, 1.1) == Acknowledged(handoff_id=handoff_id)
    pair.helper.tell(facts.TrunkHungUp(handoff_id=handoff_id), 60)
    pair.origin.tell(facts.CallerHungUp(call_id=C1), 60)
    assert pair.origin.ending("c1") is Disposition.ANSWERED
    assert one(pair.helper.log, ledger.HandoffEnded).talk_ms == 59_000
    assert all_of(pair.helper.log, ledger.CallEnded) == []


def test_until_the_helper_rings_a_local_agent_takes_the_call_and_the_hand_off_is_cancelled() -> None:
    pair = Pair()
    request, _ = pair.reserve(1)

    home = pair.origin.seat("1", 2)

    assert rung(pair.origin.log) == [home]
    assert one(pair.origin.log, orders.HangUpTrunk).handoff_id == request.handoff_id
    cancel = _asks(pair.origin.log, Cancel)[0]
    pair.send(pair.helper, cancel, 2.1)
    assert pair.agent_state() is AgentState.READY


def test_once_the_helper_rings_the_local_agent_takes_the_next_call() -> None:
    pair = Pair()
    pair.ring(1)
    pair.origin.call("c2", 2)

    pair.origin.seat("1", 3)

    assert one(pair.origin.log, orders.RingAgent).call_id == "c2"
    assert pair.call_state() is CallState.OFFERED_REMOTE


def test_a_repeated_reserve_is_answered_alike_and_keeps_one_agent() -> None:
    pair = Pair(helper_agents=2)
    request = pair.ask(1)

    first = pair.send(pair.helper, request, 1)
    again = pair.send(pair.helper, request, 2)

    assert first == again
    assert isinstance(first, Reserved)
    assert [pair.helper.state(a) for a in pair.agents] == [AgentState.RESERVED, AgentState.READY]


def test_a_reservation_without_an_invite_gives_the_agent_its_old_place_back() -> None:
    pair = Pair(helper_agents=2)
    request = pair.ask(1)
    pair.send(pair.helper, request, 1)

    pair.helper.wait_until(3.999)
    assert pair.agent_state() is AgentState.RESERVED
    pair.helper.wait_until(4)

    assert pair.agent_state() is AgentState.READY
    assert one(pair.invite(request.handoff_id, 4.5), orders.RejectTrunk) == reject(
        request.handoff_id, TrunkRefusal.EXPIRED
    )
    assert rung(pair.helper.call("local", 5)) == [pair.agents[0]]


def test_a_cancel_that_overtakes_its_reserve_still_holds() -> None:
    pair = Pair()
    request = pair.ask(1)

    pair.send(pair.helper, Cancel(handoff_id=request.handoff_id, reason="SILENT"), 1)

    assert pair.send(pair.helper, request, 1.1) == Refused(
        handoff_id=request.handoff_id, reason=Refusal.CANCELLED
    )
    assert pair.agent_state() is AgentState.READY


def test_a_token_is_good_once() -> None:
    pair = Pair()
    handoff_id, _ = pair.ring(1)

    outcome = pair.invite(handoff_id, 2)

    assert one(outcome, orders.RejectTrunk) == reject(handoff_id, TrunkRefusal.USED)
    assert rung(outcome) == []


def test_a_token_whose_hand_off_is_over_is_refused_until_it_is_forgotten() -> None:
    pair = Pair()
    handoff_id, _ = pair.connect(1)
    pair.helper.tell(facts.TrunkHungUp(handoff_id=handoff_id), 5)

    late = pair.invite(handoff_id, 6)
    pair.helper.wait_until(35)
    later = pair.invite(handoff_id, 36)

    assert one(late, orders.RejectTrunk) == reject(handoff_id, TrunkRefusal.ENDED)
    assert one(later, orders.RejectTrunk) == reject(handoff_id, TrunkRefusal.UNKNOWN)


def test_another_site_cannot_use_an_origins_token() -> None:
    pair = Pair()
    request, _ = pair.reserve(1)

    stolen = pair.helper.tell(
        facts.TrunkCallArrived(handoff_id=request.handoff_id, from_site=SiteId("shanghai")), 2
    )

    assert one(stolen, orders.RejectTrunk) == reject(request.handoff_id, TrunkRefusal.FOREIGN)
    assert rung(pair.invite(request.handoff_id, 3)) == pair.agents


def test_an_invite_after_the_cancel_rings_nobody() -> None:
    pair = Pair()
    request, _ = pair.reserve(1)
    pair.send(pair.helper, Cancel(handoff_id=request.handoff_id, reason="CALLER_GONE"), 1.5)

    outcome = pair.invite(request.handoff_id, 2)

    assert one(outcome, orders.RejectTrunk) == reject(request.handoff_id, TrunkRefusal.CANCELLED)
    assert pair.agent_state() is AgentState.READY


def test_a_silent_helper_is_cancelled_and_the_call_keeps_its_place() -> None:
    pair = Pair()
    request = pair.ask(1)

    outcome = pair.origin.tell(facts.SiteSilent(site_id=pair.helper.site_id, request=request), 1.5)

    assert _asks(outcome, Cancel)
    assert pair.call_state() is CallState.QUEUED
    late = Reserved(handoff_id=request.handoff_id, token="t")
    assert _asks(pair.reply(request, late, 2), Cancel), "a late answer is taken back too"
    assert all_of(pair.origin.log, orders.DialSite) == []


def test_a_cancel_nobody_answers_is_sent_again_while_the_hand_off_is_remembered() -> None:
    pair = Pair()
    request = pair.ask(1)
    cancel = _asks(
        pair.origin.tell(facts.SiteSilent(site_id=pair.helper.site_id, request=request), 1.5), Cancel
    )[0]

    pair.origin.tell(facts.SiteSilent(site_id=pair.helper.site_id, request=cancel), 2)

    assert _asks(pair.origin.wait_until(3), Cancel)


def test_a_caller_who_hangs_up_while_the_helper_rings_frees_its_agent() -> None:
    pair = Pair()
    handoff_id, leg = pair.ring(1)

    outcome = pair.origin.tell(facts.CallerHungUp(call_id=C1), 2)
    pair.helper.tell(facts.TrunkHungUp(handoff_id=handoff_id), 2.1)

    assert one(outcome, orders.HangUpTrunk).handoff_id == handoff_id
    assert pair.origin.ending("c1") is Disposition.ABANDONED_RINGING
    assert one(pair.helper.log, orders.StopRinging).leg_id == leg
    assert pair.agent_state() is AgentState.READY


def test_a_missed_ring_at_the_helper_tries_one_other_agent_then_goes_home() -> None:
    pair = Pair(helper_agents=3)
    handoff_id, leg = pair.ring(1)

    second = one(
        pair.helper.tell(facts.LegFailed(leg_id=leg, reason=RingFailure.NO_ANSWER), 5), orders.RingAgent
    )
    assert second.agent_id == pair.agents[1]
    outcome = pair.helper.tell(facts.LegFailed(leg_id=second.leg_id, reason=RingFailure.NO_ANSWER), 9)

    assert one(outcome, orders.HangUpTrunk).handoff_id == handoff_id
    assert [pair.helper.state(a) for a in pair.agents] == [
        AgentState.MISSED,
        AgentState.MISSED,
        AgentState.READY,
    ]
    pair.origin.tell(facts.TrunkFailed(handoff_id=handoff_id, reason="NO_ANSWER"), 9)
    assert pair.call_state() is CallState.QUEUED
    view = pair.origin.floor.call(C1)
    assert view is not None
    assert view.queued_at == at(1)


def test_a_hand_off_that_does_not_connect_in_its_time_goes_back_to_its_place() -> None:
    pair = Pair()
    pair.ring(1)

    pair.origin.wait_until(31)

    assert one(pair.origin.log, ledger.HandoffExpired).stage == "RINGING"
    assert pair.call_state() is CallState.QUEUED


def test_a_cancel_of_a_connected_hand_off_is_refused_and_the_origin_decides() -> None:
    pair = Pair()
    request, _ = pair.reserve(1)
    leg = one(pair.invite(request.handoff_id, 1), orders.RingAgent).leg_id
    pair.helper.answer(leg, 2)
    pair.origin.seat("1", 2)
    cancel = _asks(pair.origin.log, Cancel)[0]

    reply = pair.send(pair.helper, cancel, 2.1)
    outcome = pair.reply(cancel, reply, 2.2)

    assert reply == Refused(handoff_id=request.handoff_id, reason=Refusal.ALREADY_CONNECTED)
    assert one(outcome, orders.HangUpTrunk).handoff_id == request.handoff_id
    assert all_of(pair.origin.log, orders.BridgeTrunk) == [], "answered at home only"


def test_a_connected_hand_off_nobody_confirms_is_resolved_by_asking() -> None:
    pair = Pair()
    handoff_id, leg = pair.connect(1)

    outcome = pair.helper.wait_until(6)
    question = _asks(outcome, GetHandoff)[0]
    unknown = HandoffSeen(handoff_id=handoff_id, state=HandoffState.UNKNOWN, call_id=None, queue_id=None)
    outcome = pair.helper.tell(
        facts.SiteReplied(site_id=pair.origin.site_id, incarnation=1, request=question, reply=unknown), 6.1
    )

    assert one(outcome, orders.HangUpLeg).leg_id == leg
    assert pair.agent_state() is AgentState.READY


def test_the_origin_answers_what_became_of_a_hand_off() -> None:
    pair = Pair()
    handoff_id, _ = pair.connect(1)

    seen = pair.send(pair.origin, GetHandoff(handoff_id=handoff_id), 7)

    assert isinstance(seen, HandoffSeen)
    assert seen.state is HandoffState.CONNECTED


def _no_agents_seen(pair: Pair) -> None:
    """The origin knows of no idle agent, so that only the helper can begin."""
    pair.origin.tell(facts.SiteGone(site_id=pair.helper.site_id), 0.6)


def _claim(pair: Pair, seconds: float) -> Claim:
    outcome = pair.show(pair.origin, pair.helper, seconds)
    request = one(outcome, orders.Ask).request
    assert isinstance(request, Claim)
    return request


def test_an_idle_agent_asks_for_a_caller_that_appears_on_the_board() -> None:
    pair = Pair()
    _no_agents_seen(pair)
    pair.origin.call(C1, 1)

    claim = _claim(pair, 2)
    given = pair.send(pair.origin, claim, 2.1)
    pair.helper.tell(
        facts.SiteReplied(site_id=pair.origin.site_id, incarnation=1, request=claim, reply=given), 2.2
    )
    leg = one(pair.invite(claim.handoff_id, 2.3), orders.RingAgent)

    assert one(pair.origin.log, orders.DialSite).token == claim.token
    assert leg.call_id == C1
    assert pair.agent_state() is AgentState.RINGING


def test_a_claim_that_finds_nobody_waiting_frees_the_agent_and_is_not_repeated_at_once() -> None:
    pair = Pair()
    _no_agents_seen(pair)
    pair.origin.call(C1, 1)
    claim = _claim(pair, 2)
    pair.origin.tell(facts.CallerHungUp(call_id=C1), 2.05)

    none = pair.send(pair.origin, claim, 2.1)
    outcome = pair.helper.tell(
        facts.SiteReplied(site_id=pair.origin.site_id, incarnation=1, request=claim, reply=none), 2.2
    )

    assert none == Refused(handoff_id=claim.handoff_id, reason=Refusal.NONE_WAITING)
    assert pair.agent_state() is AgentState.READY
    assert _asks(outcome, Claim) == []


def test_an_invite_that_overtakes_the_answer_to_the_claim_waits_for_it() -> None:
    pair = Pair()
    _no_agents_seen(pair)
    pair.origin.call(C1, 1)
    claim = _claim(pair, 2)
    given = pair.send(pair.origin, claim, 2.1)

    assert pair.invite(claim.handoff_id, 2.2) == []
    outcome = pair.helper.tell(
        facts.SiteReplied(site_id=pair.origin.site_id, incarnation=1, request=claim, reply=given), 2.3
    )

    assert one(outcome, orders.RingAgent).call_id == C1


def test_a_claim_takes_a_call_that_is_being_asked_about_elsewhere() -> None:
    pair = Pair()
    request = pair.ask(1)
    claim = Claim(handoff_id=HandoffId("h9"), skills=frozenset({"sales"}), token="t", timeout_ms=500)  # type: ignore[arg-type]

    pair.send(pair.origin, claim, 1.1)

    assert one(pair.origin.log, orders.DialSite).handoff_id == "h9"
    assert [c.handoff_id for c in _asks(pair.origin.log, Cancel)] == [request.handoff_id]


def test_messages_of_an_older_incarnation_are_refused() -> None:
    pair = Pair()
    request = pair.ask(1)
    pair.helper.tell(
        facts.SiteAsked(
            site_id=pair.origin.site_id, incarnation=2, request=GetHandoff(handoff_id=HandoffId("x"))
        ),
        1,
    )

    reply = pair.send(pair.helper, request, 1.1)

    assert reply == Refused(handoff_id=request.handoff_id, reason=Refusal.STALE_INCARNATION)
    assert pair.agent_state() is AgentState.READY


def test_without_a_view_configured_peers_are_asked_in_rotation() -> None:
    floor = FloorUnderTest("beijing", peers=["urumqi", "lhasa"])

    floor.call(C1, 1)
    first = one(floor.log, orders.Ask)
    outcome = floor.tell(facts.SiteSilent(site_id=first.site_id, request=first.request), 1.5)
    second = next(ask for ask in all_of(outcome, orders.Ask) if isinstance(ask.request, Reserve))

    assert {first.site_id, second.site_id} == {"urumqi", "lhasa"}
    assert all_of(floor.log, ledger.HandoffAsked)[0].decision.rule == "PUSH_BLIND"


def test_without_a_view_an_idle_agent_asks_at_a_bounded_rate() -> None:
    floor = FloorUnderTest("beijing", peers=["urumqi"])
    floor.seat("1", 0)
    floor.tell(facts.NodeStarted(version="1"), 0)

    outcome = floor.wait_until(2.5)

    claims = _asks(outcome, Claim)
    assert 1 <= len(claims) <= 2


def test_without_a_view_asking_in_vain_grows_rarer_until_somebody_is_in_need() -> None:
    floor = FloorUnderTest("beijing", peers=["urumqi"])
    floor.seat("1", 0)
    floor.tell(facts.NodeStarted(version="1"), 0)

    first = _refused_at(floor, 1, 40)
    reserve = replace(Pair().ask(1), handoff_id=HandoffId("h9"))
    floor.tell(facts.SiteAsked(site_id=SiteId("urumqi"), incarnation=1, request=reserve), 40)
    floor.tell(
        facts.SiteAsked(
            site_id=SiteId("urumqi"),
            incarnation=1,
            request=Cancel(handoff_id=HandoffId("h9"), reason="CALLER_GONE"),
        ),
        40,
    )
    then = _refused_at(floor, 41, 60)

    assert [later - earlier for earlier, later in pairwise(first)][:5] == [2, 4, 8, 8, 8]
    assert [later - earlier for earlier, later in pairwise(then)][:2] == [2, 4]


def _refused_at(floor: FloorUnderTest, since_s: int, until_s: int) -> list[int]:
    """The seconds at which the site has asked whether anybody waits; nobody ever does."""
    asked_at = []
    for second in range(since_s, until_s):
        for claim in _asks(floor.wait_until(second), Claim):
            asked_at.append(second)
            refused = Refused(handoff_id=claim.handoff_id, reason=Refusal.NONE_WAITING)
            floor.tell(
                facts.SiteReplied(site_id=SiteId("urumqi"), incarnation=1, request=claim, reply=refused),
                second,
            )
    return asked_at


def test_home_reserve_keeps_agents_for_the_sites_own_callers() -> None:
    pair = Pair(helper_agents=1)
    pair.helper = FloorUnderTest("urumqi", peers=["beijing"], overflow=OverflowPolicy(home_reserve=1))
    pair.agents = [pair.helper.seat("1", 0)]
    request = pair.ask(1)

    reply = pair.send(pair.helper, request, 1)

    assert reply == Refused(handoff_id=request.handoff_id, reason=Refusal.NO_IDLE_AGENT)


def test_a_confirm_is_counted_once() -> None:
    pair = Pair()
    handoff_id, _ = pair.connect(1)

    for seconds in (2, 3):
        pair.send(pair.helper, Confirm(handoff_id=handoff_id), seconds)

    assert len(all_of(pair.helper.log, ledger.HandoffConfirmed)) == 1


def test_a_draining_site_helps_nobody() -> None:
    pair = Pair()
    pair.helper.tell(facts.AcceptingChanged(is_accepting=False, reason="DRAIN"), 0.9)
    request = pair.ask(1)

    reply = pair.send(pair.helper, request, 1)

    assert reply == Refused(handoff_id=request.handoff_id, reason=Refusal.NOT_ACCEPTING)


def test_who_asks_for_an_agent_in_vain_is_asked_for_its_caller_by_the_next_idle_agent() -> None:
    pair = Pair()
    pair.show(pair.origin, pair.helper, 0.6)
    pair.helper.call("local", 0.7)
    refused = pair.send(pair.helper, pair.ask(1), 1)
    assert isinstance(refused, Refused)

    outcome = pair.helper.tell(facts.CallerHungUp(call_id=CallId("local")), 2)

    assert [ask.site_id for ask in all_of(outcome, orders.Ask)] == [pair.origin.site_id]
    assert len(_asks(outcome, Claim)) == 1


def test_who_asks_for_a_caller_in_vain_is_asked_for_its_agent_by_the_next_caller() -> None:
    pair = Pair(helper_agents=1)
    busy = replace(pair.helper.floor.load(at(0.6)), version=600)
    nobody = {queue: replace(load, agents_idle=0) for queue, load in busy.queues.items()}
    pair.origin.tell(facts.LoadSeen(load=replace(busy, queues=nobody)), 0.6)
    claim = Claim(handoff_id=HandoffId("h9"), skills=SALES_SKILLS, token="t", timeout_ms=500)
    assert isinstance(pair.send(pair.origin, claim, 0.9), Refused)

    assert pair.ask(1).call.call_id == C1
