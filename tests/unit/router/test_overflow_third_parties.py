"""What a site that is none of a hand-off's two, or plays both of them, gets to know and to do."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState
from router.call import CallContext, CallState
from router.ids import CallId, HandoffId, SiteId
from router.overflow import helper
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    GetHandoff,
    Given,
    HandoffSeen,
    HandoffState,
    Refusal,
    Refused,
    Reply,
    Request,
    Reserve,
    Reserved,
)
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, sales

PEER, THIRD = SiteId("urumqi"), SiteId("lhasa")
C1, THEIRS, H1, H2 = CallId("c1"), CallId("theirs"), HandoffId("h1"), HandoffId("h2")


@pytest.fixture
def site() -> FloorUnderTest:
    site = FloorUnderTest("beijing", peers=[PEER, THIRD])
    site.tell(facts.ViewConfirmed(), 0)
    return site


def ask(site: FloorUnderTest, sender: SiteId, request: Request, seconds: float) -> Reply:
    outcome = site.tell(facts.SiteAsked(site_id=sender, incarnation=1, request=request), seconds)
    return one(outcome, orders.Answer).reply


def reserve(handoff_id: HandoffId, call_id: CallId = THEIRS) -> Reserve:
    call = CallContext(
        call_id=call_id, queue_id=SALES, skills=SALES_SKILLS, priority=0, customer_id=None, waited_ms=0
    )
    return Reserve(handoff_id=handoff_id, call=call, timeout_ms=500)


def claim(handoff_id: HandoffId) -> Claim:
    return Claim(handoff_id=handoff_id, skills=SALES_SKILLS, token="t", timeout_ms=500)


def talk_for(site: FloorUnderTest, handoff_id: HandoffId, peer: SiteId, seconds: float) -> None:
    ask(site, peer, reserve(handoff_id), seconds)
    invited = site.tell(facts.TrunkCallArrived(handoff_id=handoff_id, from_site=peer), seconds)
    site.answer(one(invited, orders.RingAgent).leg_id, seconds)


def test_a_third_site_is_not_given_the_call_of_anothers_claim(site: FloorUnderTest) -> None:
    site.call(C1, 0)
    assert isinstance(ask(site, PEER, claim(H1), 1), Given)

    stolen = ask(site, THIRD, claim(H1), 1.1)

    assert stolen == Refused(handoff_id=H1, reason=Refusal.CANCELLED)
    assert isinstance(ask(site, PEER, claim(H1), 1.2), Given)


def test_a_third_site_is_not_told_anothers_token(site: FloorUnderTest) -> None:
    site.seat("1", 0)
    assert isinstance(ask(site, PEER, reserve(H1), 1), Reserved)

    assert ask(site, THIRD, reserve(H1), 1.1) == Refused(handoff_id=H1, reason=Refusal.CANCELLED)


def test_a_third_site_learns_nothing_of_a_hand_off(site: FloorUnderTest) -> None:
    site.seat("1", 0)
    talk_for(site, H1, PEER, 1)

    seen = ask(site, THIRD, GetHandoff(handoff_id=H1), 2)

    assert seen == HandoffSeen(handoff_id=H1, state=HandoffState.UNKNOWN, call_id=None, queue_id=None)


@pytest.mark.parametrize("request_", [Cancel(handoff_id=H1, reason="X"), Confirm(handoff_id=H1)])
def test_a_third_site_neither_cancels_nor_confirms(site: FloorUnderTest, request_: Request) -> None:
    agent = site.seat("1", 0)
    ask(site, PEER, reserve(H1), 1)

    assert isinstance(ask(site, THIRD, request_, 1.1), Refused)
    assert site.state(agent) is AgentState.RESERVED


def test_a_reply_about_another_hand_off_ends_nothing(site: FloorUnderTest) -> None:
    agent = site.seat("1", 0)
    talk_for(site, H1, PEER, 1)

    answer = HandoffSeen(handoff_id=H1, state=HandoffState.OVER, call_id=None, queue_id=None)
    question = GetHandoff(handoff_id=H2)
    site.tell(facts.SiteReplied(site_id=THIRD, incarnation=1, request=question, reply=answer), 2)

    assert site.state(agent) is AgentState.TALKING


def test_a_hand_off_that_this_site_began_does_not_come_back_as_anothers(site: FloorUnderTest) -> None:
    site.call(C1, 0)
    ask(site, PEER, claim(H1), 1)
    agent = site.seat("1", 2)

    reflected = ask(site, PEER, reserve(H1), 3)

    assert reflected == Refused(handoff_id=H1, reason=Refusal.CANCELLED)
    assert site.state(agent) is not AgentState.RESERVED


def test_a_call_of_this_site_is_not_taken_from_another(site: FloorUnderTest) -> None:
    site.seat("1", 0)
    site.answer(one(site.call(C1, 1), orders.RingAgent).leg_id, 2)
    agent = site.seat("2", 3)

    reply = ask(site, PEER, reserve(H1, C1), 4)

    assert reply == Refused(handoff_id=H1, reason=Refusal.CANCELLED)
    assert site.state(agent) is AgentState.READY


def test_a_claim_is_not_answered_with_a_call_of_this_site(site: FloorUnderTest) -> None:
    agent = site.seat("1", 0)
    other = FloorUnderTest("urumqi", peers=["beijing"])
    other.call(THEIRS, 0)
    asked = site.tell(facts.LoadSeen(load=other.floor.load(at(1))), 1)
    request = one(asked, orders.Ask).request
    site.tell(facts.AgentBecameNotReady(agent_id=agent, reason="TEA"), 2)
    site.call(C1, 2)

    given = Given(handoff_id=request.handoff_id, call=reserve(H1, C1).call)
    told = site.tell(facts.SiteReplied(site_id=PEER, incarnation=1, request=request, reply=given), 2.1)

    assert [type(each.request) for each in all_of(told, orders.Ask)] == [Cancel]
    assert site.state(agent) is AgentState.NOT_READY
    view = site.floor.call(C1)
    assert view is not None
    assert view.state is CallState.QUEUED


def test_a_flood_of_one_peer_is_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helper, "TOMBSTONE_LIMIT", 3)
    site = FloorUnderTest("beijing", peers=[PEER, THIRD])
    for number in range(10):
        cancel = Cancel(handoff_id=HandoffId(f"flood-{number}"), reason="X")
        assert isinstance(ask(site, PEER, cancel, 1), Acknowledged)

    site.seat("1", 2)

    assert ask(site, PEER, reserve(H1), 3) == Refused(handoff_id=H1, reason=Refusal.NOT_ACCEPTING)
    assert isinstance(ask(site, THIRD, reserve(H2), 3), Reserved)
    site.wait_until(40)
    assert isinstance(ask(site, PEER, reserve(HandoffId("h3")), 41), Reserved)


def test_a_second_try_asks_for_what_this_sites_queue_asks_for() -> None:
    site = FloorUnderTest("beijing", peers=[PEER], policies=[sales()])
    site.seat("1", 0)
    unskilled = site.seat("2", 1, frozenset())
    request = reserve(H1)
    call = CallContext(
        call_id=request.call.call_id,
        queue_id=SALES,
        skills=frozenset(),
        priority=0,
        customer_id=None,
        waited_ms=0,
    )
    ask(site, PEER, Reserve(handoff_id=H1, call=call, timeout_ms=500), 2)
    site.tell(facts.TrunkCallArrived(handoff_id=H1, from_site=PEER), 2)

    site.wait_until(20)

    assert site.state(unskilled) is AgentState.READY
    assert one(site.log, ledger.HandoffRefused).reason == "RONA"


def test_an_early_trunk_leg_ends_with_its_claim() -> None:
    """The answer to the claim never came, nor was the silence told: the caller must not sit there."""
    policy = OverflowPolicy(links={PEER: LinkPolicy(site_id=PEER)}, reservation_ms=1_000)
    site = FloorUnderTest("beijing", overflow=policy)
    site.tell(facts.ViewConfirmed(), 0)
    agent = site.seat("1", 0)
    other = FloorUnderTest("urumqi", peers=["beijing"])
    other.call(THEIRS, 0)
    request = one(site.tell(facts.LoadSeen(load=other.floor.load(at(1))), 1), orders.Ask).request
    site.tell(facts.TrunkCallArrived(handoff_id=request.handoff_id, from_site=PEER), 1.1)

    outcome = site.wait_until(2.5)

    assert one(outcome, orders.HangUpTrunk).handoff_id == request.handoff_id
    assert site.state(agent) is AgentState.READY
