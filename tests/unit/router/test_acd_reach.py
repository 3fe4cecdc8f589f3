"""Forwarding and follow-me: an agent is rung where it is, and the whole of it is one offer."""

from dataclasses import replace

import pytest

from router import facts, ledger, orders
from router.acd.place import PLACE_LIMIT, Place
from router.acd.policy import Distribution
from router.agent import AgentState, RingFailure
from router.call import CallState, Language
from router.errors import InvalidPolicyError, NotAllowedError
from router.ids import AgentId, CallId, LegId, LineId, SiteId
from router.kpi.agents import ring_no_answer_rate
from router.ledger import LedgerRow
from router.orders import Outcome, Outside
from router.overflow.messages import HandoffState
from router.overflow.policy import LinkPolicy, OverflowPolicy
from router.recovery import Inventory, LiveLeg, MediaState, OpenCall, OpenSession, OpenWork
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, sales
from tests.fakes.outgoing import EMERGENCY, FAR, LINE, LOCAL, POLICY, PREMIUM, dial, dialled_line, site

C1 = CallId("c1")
PHONE = Place()
MOBILE = Place(number=LOCAL)
OUTSIDE = Outside(line_id=LINE, number=LOCAL, language=Language.CHINESE)


def reach(floor: FloorUnderTest, agent_id: AgentId, *places: Place) -> Outcome:
    return floor.tell(facts.ReachChanged(agent_id=agent_id, places=places), 0)


def ring(outcome: Outcome) -> orders.RingAgent:
    return one(outcome, orders.RingAgent)


def test_a_forwarded_agent_is_rung_outside() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, MOBILE)

    outcome = floor.call(C1, 1)

    assert ring(outcome).outside == OUTSIDE
    assert one(outcome, ledger.AgentOffered).line_id == LINE
    floor.answer(ring(outcome).leg_id, 5)
    assert floor.state(agent) is AgentState.TALKING


def test_no_row_holds_the_number() -> None:
    floor = site()
    reach(floor, floor.seat("1", 0), PHONE, MOBILE)
    floor.call(C1, 1)
    floor.wait_until(60)

    assert not any(LOCAL in repr(each) for each in floor.log if isinstance(each, ledger.Entry))


def test_one_number_follows_the_agent_from_place_to_place_in_one_offer() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, replace(PHONE, ring_limit_ms=8_000), MOBILE)
    first = ring(floor.call(C1, 1))

    moved = floor.wait_until(9)

    second = ring(moved)
    assert (first.outside, second.outside) == (None, OUTSIDE)
    assert one(moved, orders.StopRinging).leg_id == first.leg_id
    assert moved.index(one(moved, orders.StopRinging)) < moved.index(second)
    assert one(moved, ledger.RingFailed).reason is RingFailure.MOVED_ON
    assert one(moved, ledger.AgentOffered).after_leg == first.leg_id
    assert floor.state(agent) is AgentState.RINGING
    assert one(floor.answer(second.leg_id, 12), ledger.CallConnected).waited_ms == 11_000


@pytest.mark.parametrize("reason", [RingFailure.BUSY, RingFailure.UNREACHABLE, RingFailure.NO_ANSWER])
def test_a_phone_that_cannot_be_rung_passes_the_call_on_at_once(reason: RingFailure) -> None:
    floor = site()
    reach(floor, floor.seat("1", 0), PHONE, MOBILE)
    first = ring(floor.call(C1, 1))

    outcome = floor.tell(facts.LegFailed(leg_id=first.leg_id, reason=reason), 2)

    assert ring(outcome).outside == OUTSIDE


def test_an_agent_who_rejects_the_call_is_not_followed() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, PHONE, MOBILE)
    first = ring(floor.call(C1, 1))

    outcome = floor.tell(facts.LegFailed(leg_id=first.leg_id, reason=RingFailure.REJECTED), 2)

    assert all_of(outcome, orders.RingAgent) == []
    assert floor.state(agent) is AgentState.MISSED


def test_after_the_last_place_the_call_is_in_its_old_place_and_the_agent_has_missed_it() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, replace(PHONE, ring_limit_ms=5_000), replace(MOBILE, ring_limit_ms=7_000))
    floor.call(C1, 1)
    floor.call("c2", 2)

    floor.wait_until(13)

    assert floor.state(agent) is AgentState.MISSED
    assert floor.floor.position(C1) == 1
    assert [each.reason for each in all_of(floor.log, ledger.RingFailed)] == [
        RingFailure.MOVED_ON,
        RingFailure.NO_ANSWER,
    ]


def test_an_offer_at_two_places_counts_once() -> None:
    floor = site()
    reach(floor, floor.seat("1", 0), PHONE, MOBILE)
    floor.call(C1, 1)
    floor.wait_until(40)

    rows = [
        LedgerRow(
            site_id=SiteId("beijing"),
            seq=seq,
            at_utc_us=seq,
            mono_ms=at(seq),
            incarnation=1,
            business_date="2026-01-01",
            entry=entry,
        )
        for seq, entry in enumerate(all_of(floor.log, ledger.Entry))
    ]
    assert ring_no_answer_rate(rows) == 100


def test_a_line_that_is_full_is_passed_over() -> None:
    """POLICY's line takes two calls at once."""
    floor = site()
    for name in ("1", "2"):
        dialled_line(floor, dial(floor, floor.seat(name, 0), LOCAL, 1, name=f"out-{name}"), 2)
    agent = floor.seat("3", 0)
    reach(floor, agent, MOBILE)

    assert ring(floor.call(C1, 3)).outside is None


def test_a_leg_outside_takes_up_its_line_until_the_agent_is_through() -> None:
    floor = site(replace(POLICY, lines={LINE: 1}))
    kim, ann = floor.seat("1", 0), floor.seat("2", 0)
    reach(floor, kim, MOBILE)
    leg = ring(floor.call(C1, 1)).leg_id
    floor.answer(leg, 2)
    reach(floor, ann, MOBILE)
    assert ring(floor.call("c2", 3)).outside is None

    floor.tell(facts.LegHungUp(leg_id=leg), 4)

    assert ring(floor.call("c3", 5)).outside == OUTSIDE


def test_a_caller_who_hangs_up_while_the_second_place_rings_frees_agent_and_line() -> None:
    floor = site(replace(POLICY, lines={LINE: 1}))
    agent = floor.seat("1", 0)
    reach(floor, agent, replace(PHONE, ring_limit_ms=5_000), MOBILE)
    floor.call(C1, 1)
    second = ring(floor.wait_until(6))

    outcome = floor.tell(facts.CallerHungUp(call_id=C1), 7)

    assert one(outcome, orders.StopRinging).leg_id == second.leg_id
    assert floor.state(agent) is AgentState.READY
    floor.call("c2", 8)
    assert ring(floor.wait_until(13)).outside == OUTSIDE


def test_ring_all_moves_each_agent_on_by_itself() -> None:
    floor = FloorUnderTest(
        policies=[sales(distribution=Distribution.RING_ALL, announce_interval_ms=0)],
        overflow=OverflowPolicy(is_enabled=False),
        outbound=POLICY,
    )
    kim, ann = floor.seat("1", 0), floor.seat("2", 0)
    reach(floor, kim, replace(PHONE, ring_limit_ms=5_000), MOBILE)
    legs = {each.agent_id: each.leg_id for each in all_of(floor.call(C1, 1), orders.RingAgent)}
    moved = ring(floor.wait_until(6))

    outcome = floor.answer(moved.leg_id, 8)

    assert one(outcome, orders.StopRinging).leg_id == legs[ann]
    assert one(outcome, orders.BridgeAgent).leg_id == moved.leg_id
    assert (floor.state(kim), floor.state(ann)) == (AgentState.TALKING, AgentState.READY)


def test_a_number_that_may_not_be_dialled_is_refused() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    for number in (PREMIUM, EMERGENCY, FAR, "+44123", "nonsense"):
        with pytest.raises(NotAllowedError):
            reach(floor, agent, Place(number=number))

    assert ring(floor.call(C1, 1)).outside is None


def test_places_have_limits() -> None:
    floor = site()
    with pytest.raises(InvalidPolicyError):
        reach(floor, floor.seat("1", 0), *[MOBILE] * (PLACE_LIMIT + 1))
    for limit_ms in (0, -1, 120_001):
        with pytest.raises(InvalidPolicyError):
            Place(ring_limit_ms=limit_ms)


def test_no_places_bring_the_call_back_to_the_phone() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, MOBILE)
    reach(floor, agent)

    assert ring(floor.call(C1, 1)).outside is None


def test_a_lost_phone_takes_only_agents_away_who_are_reached_at_it() -> None:
    floor = site()
    kim, ann = floor.seat("1", 0), floor.seat("2", 0)
    reach(floor, kim, MOBILE)
    for agent_id in (kim, ann):
        floor.tell(facts.PhoneLost(agent_id=agent_id, reason="PHONE_UNREGISTERED"), 1)

    assert (floor.state(kim), floor.state(ann)) == (AgentState.READY, AgentState.UNREACHABLE)


def test_an_agent_who_dials_is_rung_where_it_is() -> None:
    floor = site()
    agent = floor.seat("1", 0)
    reach(floor, agent, replace(PHONE, ring_limit_ms=4_000), MOBILE)
    dial(floor, agent, LOCAL, 1)
    second = ring(floor.wait_until(5))

    answered = floor.answer(second.leg_id, 7)

    assert one(answered, orders.DialLine).number == LOCAL
    assert one(answered, ledger.OutboundDialed).leg_id == second.leg_id


def test_a_consulted_colleague_is_rung_at_its_first_place_only() -> None:
    floor = site()
    kim, ann = floor.seat("1", 0), floor.seat("2", 1)
    reach(floor, ann, MOBILE, PHONE)
    floor.answer(ring(floor.call(C1, 2)).leg_id, 3)

    asked = floor.tell(facts.ConsultAsked(agent_id=kim, to_agent=ann), 4)
    given_up = floor.wait_until(30)

    assert ring(asked).outside == OUTSIDE
    assert all_of(given_up, orders.RingAgent) == []
    assert floor.state(ann) is AgentState.MISSED


def test_a_helper_ends_its_offer_in_time_whatever_places_are_left() -> None:
    helper = FloorUnderTest(
        "beijing",
        overflow=OverflowPolicy(
            links={SiteId("urumqi"): LinkPolicy(site_id=SiteId("urumqi"))}, ring_limit_ms=12_000
        ),
        outbound=POLICY,
    )
    origin = FloorUnderTest("urumqi", peers=["beijing"])
    agent = helper.seat("1", 0)
    reach(helper, agent, replace(PHONE, ring_limit_ms=8_000), replace(MOBILE, ring_limit_ms=60_000))
    for floor in (helper, origin):
        floor.tell(facts.ViewConfirmed(), 0)
        floor.wait_until(0.001)
    origin.tell(facts.LoadSeen(load=replace(helper.floor.load(at(0.5)), version=500)), 0.5)
    request = one(origin.call(C1, 1), orders.Ask).request
    helper.tell(facts.SiteAsked(site_id=SiteId("urumqi"), incarnation=1, request=request), 1)
    invited = helper.tell(
        facts.TrunkCallArrived(handoff_id=request.handoff_id, from_site=SiteId("urumqi")), 2
    )
    assert ring(invited).outside is None

    moved = helper.wait_until(10)
    assert ring(moved).outside == OUTSIDE
    assert next(helper.floor.handoffs()).state is HandoffState.RINGING
    over = helper.wait_until(14)

    assert one(over, orders.HangUpTrunk).handoff_id == request.handoff_id
    assert helper.state(agent) is AgentState.MISSED


@pytest.mark.parametrize(("line_id", "expected"), [(LINE, None), (None, OUTSIDE)])
def test_a_restarted_site_rings_where_it_was_told_and_counts_the_legs_that_live(
    line_id: LineId | None, expected: Outside | None
) -> None:
    floor = site(replace(POLICY, lines={LINE: 1}))
    kim, ann = AgentId("beijing/1"), AgentId("beijing/2")
    leg_id = LegId("leg")
    talk = OpenCall(
        call_id=C1,
        queue_id=SALES,
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        state=CallState.CONNECTED,
        queued_at=at(-30),
        connected_at=at(-20),
        leg_id=leg_id,
        agent_id=kim,
    )
    work = OpenWork(
        calls=(talk,),
        sessions=(
            OpenSession(agent_id=kim, skills=SALES_SKILLS, state=AgentState.TALKING, reason=None),
            OpenSession(agent_id=ann, skills=SALES_SKILLS, state=AgentState.READY, reason=None),
        ),
        places={ann: (MOBILE,)},
    )
    leg = LiveLeg(
        leg_id=leg_id, agent_id=kim, call_id=C1, handoff_id=None, state=MediaState.BRIDGED, line_id=line_id
    )
    alive = Inventory(callers=frozenset({C1}), legs={leg_id: leg})
    floor.log += floor.floor.resume(work, alive, at(0))

    assert ring(floor.call("c2", 1)).outside == expected


def test_the_whole_offer_ends_in_time_however_long_each_place_may_ring() -> None:
    floor = site()
    kim = floor.seat("1", 0)
    reach(floor, kim, *[replace(MOBILE, ring_limit_ms=100_000)] * PLACE_LIMIT)
    floor.call(C1, 1)
    ann = floor.seat("2", 10)

    floor.wait_until(122)

    assert floor.state(kim) is AgentState.MISSED
    assert floor.state(ann) is AgentState.RINGING


def test_an_agent_who_has_logged_out_is_not_followed() -> None:
    floor = site()
    kim = floor.seat("1", 0)
    reach(floor, kim, replace(PHONE, ring_limit_ms=5_000), MOBILE)
    floor.call(C1, 1)
    floor.tell(facts.AgentLoggedOut(agent_id=kim), 2)

    outcome = floor.wait_until(7)

    assert all_of(outcome, orders.RingAgent) == []
    assert floor.state(kim) is AgentState.LOGGED_OUT


def test_the_next_number_rings_over_the_place_that_the_one_before_gives_back() -> None:
    floor = site(replace(POLICY, lines={LINE: 1}))
    kim = floor.seat("1", 0)
    other = Place(number="+861066662222")
    reach(floor, kim, replace(MOBILE, ring_limit_ms=5_000), other)
    floor.call(C1, 1)

    second = ring(floor.wait_until(6)).outside

    assert second is not None
    assert second.number == other.number


def test_an_agent_outside_who_dials_leaves_the_customer_its_place_on_the_line() -> None:
    """POLICY's line takes two calls at once."""
    floor = site()
    dialled_line(floor, dial(floor, floor.seat("1", 0), LOCAL, 1, name="out-1"), 2)
    kim = floor.seat("2", 0)
    reach(floor, kim, MOBILE)

    asked = dial(floor, kim, LOCAL, 3, name="out-2")

    assert ring(asked).outside is None, "the last place is the customer's"
    assert one(floor.answer(ring(asked).leg_id, 5), orders.DialLine).number == LOCAL


def test_an_agent_outside_is_unreachable_when_the_pbx_is_dead() -> None:
    floor = site()
    kim = floor.seat("1", 0)
    reach(floor, kim, MOBILE)

    floor.tell(facts.PbxDied(reason="PBX_DOWN"), 1)

    assert floor.state(kim) is AgentState.UNREACHABLE
