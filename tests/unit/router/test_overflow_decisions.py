"""What a decision saw stands in its row: candidates, scores, ages, and what staying home would cost."""

from dataclasses import replace

from router import facts, ledger, orders
from router.ids import FOREVER_MS, SiteId
from router.ledger import Decision
from router.overflow.load import SiteLoad
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, FloorUnderTest, all_of, at, one

HARBIN, URUMQI = SiteId("harbin"), SiteId("urumqi")


def busy_beijing(*, urumqi_cost_s: float = 0.0) -> FloorUnderTest:
    """A site with peers in view and nobody of its own at work."""
    links = {
        HARBIN: LinkPolicy(site_id=HARBIN),
        URUMQI: LinkPolicy(site_id=URUMQI, cost_s=urumqi_cost_s),
    }
    floor = FloorUnderTest("beijing", overflow=OverflowPolicy(links=links))
    floor.tell(facts.ViewConfirmed(), 0)
    floor.wait_until(0.001)
    return floor


def load_of(site: str, *, idle: int = 0, callers: int = 0) -> SiteLoad:
    other = FloorUnderTest(site)
    for number in range(callers):
        other.call(f"{site}-caller-{number}", 0)
    if not callers:
        for number in range(idle):
            other.seat(str(number), 0)
    return replace(other.floor.load(at(1)), version=7)


def decision_of(floor: FloorUnderTest) -> Decision:
    return all_of(floor.log, ledger.HandoffAsked)[-1].decision


def test_a_push_writes_each_candidate_with_its_records_age_and_its_idle_agents() -> None:
    floor = busy_beijing(urumqi_cost_s=4)
    floor.tell(facts.LoadSeen(load=load_of("harbin", idle=3)), 1)
    floor.tell(facts.LoadSeen(load=load_of("urumqi", idle=2)), 2)
    floor.tell(facts.ViewConfirmed(), 2.5)

    floor.call("c1", 3)

    decision = decision_of(floor)
    assert decision.rule == "PUSH_BY_SCORE"
    assert decision.view_age_ms == 500
    assert decision.candidates == ((HARBIN, 7, 0.0), (URUMQI, 7, 4.0))
    assert decision.seen == ((2000, 3), (1000, 2))
    assert decision.candidate_count == 2
    assert decision.home_wait_ms == FOREVER_MS


def test_a_pull_writes_how_many_callers_it_saw_and_no_wait_at_home() -> None:
    floor = busy_beijing()
    floor.tell(facts.LoadSeen(load=load_of("urumqi", callers=4)), 2)
    floor.tell(facts.ViewConfirmed(), 2.5)

    floor.seat("1", 3)

    decision = decision_of(floor)
    assert decision.rule == "PULL_LONGEST_WAIT"
    assert decision.candidates == ((URUMQI, 7, 2.0),), "a second at home when it was written, one since"
    assert decision.seen == ((1000, 4),)
    assert decision.home_wait_ms is None


def test_a_line_crosses_a_link_once_all_who_wait_in_it_save_what_it_costs() -> None:
    floor = busy_beijing(urumqi_cost_s=20)
    floor.seat("1", 1)
    leg = one(floor.call("c0", 1), orders.RingAgent).leg_id
    floor.answer(leg, 1)
    floor.tell(facts.LegHungUp(leg_id=leg), 16)
    leg = one(floor.call("c1", 16), orders.RingAgent).leg_id
    floor.answer(leg, 16)
    floor.tell(facts.LoadSeen(load=load_of("urumqi", idle=2)), 17)
    floor.tell(facts.ViewConfirmed(), 17)

    floor.call("head", 17)
    assert all_of(floor.log, ledger.HandoffAsked) == [], "a talk of 15 s is less than the link's 20"
    floor.call("behind", 17)

    (asked,) = all_of(floor.log, ledger.HandoffAsked)
    assert asked.call_id == "head", "it goes first, for the sake of both; the other has nobody behind it"
    assert asked.decision.home_wait_ms == 30_000


def test_the_second_ask_sees_one_idle_agent_less_where_the_first_one_went() -> None:
    floor = busy_beijing()
    floor.tell(facts.LoadSeen(load=load_of("harbin", idle=3)), 1)
    floor.tell(facts.ViewConfirmed(), 1)

    floor.call("c1", 1.5)
    floor.call("c2", 1.5)

    seen = [asked.decision.seen for asked in all_of(floor.log, ledger.HandoffAsked)]
    assert seen == [((500, 3),), ((500, 2),)]


def test_without_a_view_the_wait_at_home_is_still_written() -> None:
    floor = busy_beijing()

    floor.wait_until(60)
    floor.call("c1", 60)

    decision = decision_of(floor)
    assert decision.rule == "PUSH_BLIND"
    assert (decision.candidates, decision.seen, decision.candidate_count) == ((), None, None)
    assert decision.view_age_ms == 60_000
    assert decision.home_wait_ms == FOREVER_MS


def test_many_candidates_are_counted_and_the_first_few_are_written() -> None:
    floor = busy_beijing()
    for number in range(12):
        floor.tell(facts.LoadSeen(load=load_of(f"site-{number}", idle=1)), 1)
    floor.tell(facts.ViewConfirmed(), 1)

    floor.call("c1", 1.5, queue=SALES)

    decision = decision_of(floor)
    asked = all_of(floor.log, ledger.HandoffAsked)[-1]
    assert decision.candidate_count == 12
    assert len(decision.candidates) == 8
    assert decision.candidates[0][0] == asked.peer, "the chosen one comes first"
