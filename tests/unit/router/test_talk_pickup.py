"""Pickup: an idle agent takes what rings at a colleague's phone, or what waits, out of turn."""

import pytest

from router import facts, ledger, orders
from router.agent import AgentState
from router.errors import UnknownQueueError, WrongStateError
from router.ids import AgentId, QueueId, Skill
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, one, rung


@pytest.fixture
def floor() -> FloorUnderTest:
    return FloorUnderTest()


def away(
    floor: FloorUnderTest, name: str, seconds: float, skills: frozenset[Skill] = SALES_SKILLS
) -> AgentId:
    """An agent who is logged in and at tea."""
    agent_id = AgentId(f"beijing/{name}")
    floor.tell(facts.AgentLoggedIn(agent_id=agent_id, skills=skills), seconds)
    floor.tell(facts.AgentBecameNotReady(agent_id=agent_id, reason="TEA"), seconds)
    return agent_id


def test_a_call_that_rings_a_colleague_rings_the_one_who_picks_it_up_alone(floor: FloorUnderTest) -> None:
    kim = floor.seat("1", 0)
    floor.call("c1", 1)
    ann = floor.seat("2", 2)
    kims_leg = one(floor.log, orders.RingAgent).leg_id

    outcome = floor.tell(facts.PickupAsked(agent_id=ann, from_agent=kim), 5)

    assert one(outcome, orders.StopRinging).leg_id == kims_leg
    assert one(outcome, ledger.RingFailed).reason == "STOPPED"
    assert rung(outcome) == [ann]
    assert (floor.state(kim), floor.state(ann)) == (AgentState.READY, AgentState.RINGING)


def test_an_agent_who_is_not_ready_takes_one_call_and_is_not_ready_again(floor: FloorUnderTest) -> None:
    ann = away(floor, "2", 0)
    floor.call("c1", 1)

    leg_id = one(floor.tell(facts.PickupAsked(agent_id=ann, from_queue=SALES), 5), orders.RingAgent).leg_id
    connected = one(floor.answer(leg_id, 8), ledger.CallConnected)
    floor.tell(facts.LegHungUp(leg_id=leg_id), 20)

    view = floor.floor.agent(ann)
    assert connected.waited_ms == 7_000
    assert view is not None
    assert (view.state, view.reason) == (AgentState.NOT_READY, "TEA")


def test_a_pickup_that_is_not_answered_puts_the_call_back_in_its_place(floor: FloorUnderTest) -> None:
    ann = away(floor, "2", 0)
    floor.call("c1", 1)
    floor.call("c2", 2)
    floor.tell(facts.PickupAsked(agent_id=ann, from_queue=SALES), 5)

    floor.wait_until(20)
    kim = floor.seat("1", 21)

    assert floor.state(ann) is AgentState.NOT_READY
    assert [(o.agent_id, o.call_id) for o in all_of(floor.log, orders.RingAgent)][-1] == (kim, "c1")


def test_the_most_senior_caller_of_the_queue_is_picked_up(floor: FloorUnderTest) -> None:
    ann = away(floor, "2", 0)
    floor.call("c1", 1)
    floor.call("vip", 2, priority=9)

    outcome = floor.tell(facts.PickupAsked(agent_id=ann, from_queue=SALES), 5)

    assert one(outcome, orders.RingAgent).call_id == "vip"


def test_nobody_picks_up_what_it_has_no_skill_for(floor: FloorUnderTest) -> None:
    clerk = away(floor, "9", 0, frozenset({Skill("fax")}))
    kim = floor.seat("1", 0)
    floor.call("c1", 1)
    floor.call("c2", 2)

    with pytest.raises(WrongStateError, match="without sales"):
        floor.tell(facts.PickupAsked(agent_id=clerk, from_agent=kim), 5)
    with pytest.raises(WrongStateError, match="a waiting call that the agent can serve"):
        floor.tell(facts.PickupAsked(agent_id=clerk, from_queue=SALES), 5)
    assert floor.state(kim) is AgentState.RINGING


def test_a_pickup_needs_an_idle_agent_and_something_to_pick_up(floor: FloorUnderTest) -> None:
    kim, ann = floor.seat("1", 0), floor.seat("2", 0)

    with pytest.raises(WrongStateError, match="a phone that rings"):
        floor.tell(facts.PickupAsked(agent_id=ann, from_agent=kim), 1)
    with pytest.raises(UnknownQueueError):
        floor.tell(facts.PickupAsked(agent_id=ann, from_queue=QueueId("nowhere")), 1)
    with pytest.raises(WrongStateError, match="every phone is silent"):
        floor.tell(facts.PickupAsked(agent_id=ann), 1)
    floor.call("c1", 2)
    with pytest.raises(WrongStateError, match="an agent who is idle"):
        floor.tell(facts.PickupAsked(agent_id=kim, from_queue=SALES), 3)


def test_a_colleague_whose_ring_was_picked_up_serves_the_next_who_waits(floor: FloorUnderTest) -> None:
    kim = floor.seat("1", 0)
    ann = away(floor, "2", 0)
    floor.call("c1", 1)
    floor.call("c2", 2)

    outcome = floor.tell(facts.PickupAsked(agent_id=ann, from_agent=kim), 5)

    assert [(o.agent_id, o.call_id) for o in all_of(outcome, orders.RingAgent)] == [(ann, "c1"), (kim, "c2")]


def test_what_rings_longest_is_picked_up_where_nobody_is_named(floor: FloorUnderTest) -> None:
    kim = floor.seat("1", 0)
    floor.call("c1", 1)
    lee = floor.seat("2", 2)
    floor.call("c2", 3)
    ann = away(floor, "3", 4)

    outcome = floor.tell(facts.PickupAsked(agent_id=ann), 5)

    assert one(outcome, orders.RingAgent).call_id == "c1"
    assert (floor.state(kim), floor.state(lee)) == (AgentState.READY, AgentState.RINGING)


def test_a_call_that_the_agent_cannot_serve_is_not_picked_up_anywhere(floor: FloorUnderTest) -> None:
    floor.seat("1", 0)
    floor.call("c1", 1)
    ann = away(floor, "2", 2, frozenset({Skill("else")}))

    with pytest.raises(WrongStateError):
        floor.tell(facts.PickupAsked(agent_id=ann), 3)
