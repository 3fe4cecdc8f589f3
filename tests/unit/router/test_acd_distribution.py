"""Which idle agent rings: each distribution's promise, and changing it while calls wait."""

import pytest

from router import facts, orders
from router.acd.policy import Distribution, QueuePolicy
from router.agent import AgentState, RingFailure
from router.errors import InvalidPolicyError
from router.ids import QueueId, Skill
from tests.fakes.floor import SALES_SKILLS, FloorUnderTest, all_of, one, rung, sales


def _talk(floor: FloorUnderTest, name: str, start: float, end: float) -> None:
    leg = one(floor.call(name, start), orders.RingAgent).leg_id
    floor.answer(leg, start)
    floor.tell(facts.LegHungUp(leg_id=leg), end)


def test_longest_idle_agent_rings_first() -> None:
    floor = FloorUnderTest()
    first = floor.seat("1", 0)
    second = floor.seat("2", 1)
    _talk(floor, "c1", 10, 20)

    assert rung(floor.call("c2", 30)) == [second]
    assert rung(floor.call("c3", 31)) == [first]


def test_circular_hunt_goes_on_behind_the_agent_rung_last() -> None:
    floor = FloorUnderTest(policies=[sales(distribution=Distribution.CIRCULAR_HUNT)])
    agents = [floor.seat(name, 0) for name in "123"]

    order = []
    for n in range(4):
        outcome = floor.call(f"c{n}", n)
        order += rung(outcome)
        floor.tell(facts.CallerHungUp(call_id=one(outcome, orders.RingAgent).call_id), n + 0.5)

    assert order == [agents[0], agents[1], agents[2], agents[0]]


def test_ring_all_rings_the_idle_set_and_the_first_answer_stops_the_others() -> None:
    floor = FloorUnderTest(policies=[sales(distribution=Distribution.RING_ALL, ring_all_limit=2)])
    first, second, third = (floor.seat(name, n) for n, name in enumerate("123"))

    ringing = all_of(floor.call("c1", 10), orders.RingAgent)
    outcome = floor.answer(ringing[1].leg_id, 12)

    assert [order.agent_id for order in ringing] == [first, second]
    assert one(outcome, orders.StopRinging).leg_id == ringing[0].leg_id
    assert one(outcome, orders.BridgeAgent).leg_id == ringing[1].leg_id
    assert [floor.state(a) for a in (first, second, third)] == [
        AgentState.READY,
        AgentState.TALKING,
        AgentState.READY,
    ]


def test_least_occupied_agent_has_spent_the_smallest_share_of_its_session_on_calls() -> None:
    floor = FloorUnderTest(policies=[sales(distribution=Distribution.LEAST_OCCUPIED)])
    first = floor.seat("1", 0)
    _talk(floor, "c1", 0, 90)
    second = floor.seat("2", 90)
    leg = one(floor.call("c2", 91), orders.RingAgent)
    assert leg.agent_id == second
    floor.answer(leg.leg_id, 91)
    floor.tell(facts.LegHungUp(leg_id=leg.leg_id), 92)

    assert rung(floor.call("c3", 100)) == [second]
    assert rung(floor.call("c4", 100)) == [first]


def test_a_distribution_changed_at_run_time_holds_for_the_next_call() -> None:
    floor = FloorUnderTest()
    floor.seat("1", 0)
    floor.seat("2", 1)

    floor.tell(facts.PolicyApplied(policy=sales(version=2, distribution=Distribution.RING_ALL)), 5)

    assert len(rung(floor.call("c1", 6))) == 2


def test_an_agent_without_the_skills_is_passed_over() -> None:
    loans = QueuePolicy(queue_id=QueueId("loans"), skills=frozenset({Skill("loans")}))
    floor = FloorUnderTest(policies=[sales(), loans])
    floor.seat("1", 0)
    both = floor.seat("2", 1, SALES_SKILLS | {Skill("loans")})

    assert rung(floor.call("c1", 2, loans.queue_id)) == [both]


def test_new_skills_of_a_queue_hold_for_the_calls_in_it() -> None:
    floor = FloorUnderTest()
    floor.call("c1", 0)
    expert = Skill("expert")

    floor.tell(
        facts.PolicyApplied(policy=QueuePolicy(queue_id=sales().queue_id, skills=frozenset({expert}))), 1
    )

    assert rung(floor.tell(facts.AgentLoggedIn(agent_id="a/1", skills=SALES_SKILLS), 2)) == []  # type: ignore[arg-type]
    assert rung(floor.tell(facts.AgentBecameReady(agent_id="a/1"), 2)) == []  # type: ignore[arg-type]
    floor.seat("9", 3, frozenset({expert}))
    assert one(floor.log, orders.RingAgent).call_id == "c1"


def test_an_offer_that_was_not_the_agents_fault_gives_its_old_place_back() -> None:
    floor = FloorUnderTest()
    first = floor.seat("1", 0)
    floor.seat("2", 1)
    floor.call("c1", 5)
    floor.tell(facts.CallerHungUp(call_id="c1"), 6)  # type: ignore[arg-type]

    assert rung(floor.call("c2", 7)) == [first]


def test_a_missed_call_costs_the_agent_its_turn_until_it_says_ready() -> None:
    floor = FloorUnderTest()
    first = floor.seat("1", 0)
    second = floor.seat("2", 1)
    leg = one(floor.call("c1", 5), orders.RingAgent)

    outcome = floor.tell(facts.LegFailed(leg_id=leg.leg_id, reason=RingFailure.REJECTED), 6)

    assert floor.state(first) is AgentState.MISSED
    assert rung(outcome) == [second]


@pytest.mark.parametrize("name", ["ring_limit_ms", "wait_limit_ms", "waiting_call_limit", "ring_all_limit"])
def test_a_limit_of_zero_is_refused_with_its_place(name: str) -> None:
    with pytest.raises(InvalidPolicyError, match=name):
        sales(**{name: 0})
