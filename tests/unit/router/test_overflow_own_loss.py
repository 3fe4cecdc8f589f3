"""What helping costs a site's own callers, and when it helps no more."""

import pytest

from router import facts, orders
from router.call import CallContext
from router.ids import CallId, HandoffId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import Refusal, Refused, Reply, Reserve, Reserved
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one

URUMQI = SiteId("urumqi")


class Helper:
    """A site whose own callers have been answered at once so far, and which others ask for help."""

    def __init__(self, *, limit: float | None, agents: int = 1, callers: int = 0) -> None:
        links = {URUMQI: LinkPolicy(site_id=URUMQI)}
        self.floor = FloorUnderTest("beijing", overflow=OverflowPolicy(links=links, max_own_loss=limit))
        self.floor.tell(facts.ViewConfirmed(), 0)
        for number in range(agents):
            self.floor.seat(str(number), 0)
        self.now = 1.0
        self.serve_quickly("early", count=callers)

    @property
    def lost_points(self) -> float | None:
        return self.floor.floor.own_loss_points

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.floor.wait_until(self.now)

    def call(self, name: str) -> None:
        self.floor.call(name, self.now)

    def serve(self, name: str, *, talk_s: float) -> None:
        """An own caller is answered at once."""
        leg = one(self.floor.call(name, self.now), orders.RingAgent).leg_id
        self.floor.answer(leg, self.now)
        self.wait(talk_s)

    def serve_quickly(self, name: str, *, count: int) -> None:
        for number in range(count):
            self.serve(f"{name}-{number}", talk_s=5)
            self.hang_up(f"{name}-{number}", after_s=5)

    def hang_up(self, name: str, *, after_s: float = 0) -> None:
        self.floor.tell(facts.CallerHungUp(call_id=CallId(name)), self.now)
        self.wait(after_s)

    def asked_for_help(self, name: str) -> Reply:
        call = CallContext(
            call_id=CallId(f"urumqi-{name}"),
            queue_id=SALES,
            skills=SALES_SKILLS,
            priority=0,
            customer_id=None,
            waited_ms=0,
        )
        request = Reserve(handoff_id=HandoffId(name), call=call, timeout_ms=500)
        asked = facts.SiteAsked(site_id=URUMQI, incarnation=1, request=request)
        return one(self.floor.tell(asked, self.now), orders.Answer).reply

    def help(self, name: str) -> None:
        """One agent talks with another site's caller from now on."""
        assert isinstance(self.asked_for_help(name), Reserved)
        arrived = facts.TrunkCallArrived(handoff_id=HandoffId(name), from_site=URUMQI)
        leg = one(self.floor.tell(arrived, self.now), orders.RingAgent).leg_id
        self.floor.answer(leg, self.now)

    def end_help(self, name: str) -> None:
        self.floor.tell(facts.TrunkHungUp(handoff_id=HandoffId(name)), self.now)

    def hear_of_callers(self, count: int) -> list[orders.Ask]:
        waiting = QueueLoad(
            agents_staffed=5,
            agents_idle=0,
            calls_waiting=count,
            head_wait_ms=30_000,
            aht_ms=180_000,
            abandon_rate_per_hour=0.0,
        )
        load = SiteLoad(
            site_id=URUMQI,
            incarnation=1,
            version=1,
            accepting=True,
            queues={SALES: waiting},
            link_headroom={},
        )
        self.floor.tell(facts.ViewConfirmed(), self.now)
        return all_of(self.floor.tell(facts.LoadSeen(load=load), self.now), orders.Ask)


def test_without_a_limit_a_site_helps_whatever_it_costs_and_counts_nothing() -> None:
    site = Helper(limit=None)
    site.help("h1")
    site.call("own")

    site.wait(60)

    assert site.lost_points is None


def test_a_site_that_may_lose_nothing_helps_nobody() -> None:
    site = Helper(limit=0, agents=5, callers=100)

    assert site.asked_for_help("h1") == Refused(handoff_id=HandoffId("h1"), reason=Refusal.OWN_LOSS)
    assert site.hear_of_callers(3) == []


def test_a_site_that_would_help_claims_what_one_that_may_lose_nothing_leaves() -> None:
    assert len(Helper(limit=100, agents=5, callers=100).hear_of_callers(3)) > 0


def test_an_own_caller_who_is_late_while_the_agent_helps_is_harmed() -> None:
    site = Helper(limit=100, callers=99)
    site.help("h1")

    site.call("own")
    site.wait(20)
    assert site.lost_points == 0
    site.wait(1)

    assert site.lost_points == pytest.approx(1.0, rel=0.05)


def test_a_late_caller_is_harmed_once_however_long_it_waits_and_however_it_ends() -> None:
    site = Helper(limit=100, callers=99)
    site.help("h1")
    site.call("own")
    site.wait(90)

    site.hang_up("own")

    assert site.lost_points == pytest.approx(1.0, rel=0.05)


def test_an_own_caller_who_gives_up_in_time_while_the_agent_helps_is_harmed() -> None:
    site = Helper(limit=100, callers=99)
    site.help("h1")
    site.call("own")
    site.wait(10)

    site.hang_up("own")

    assert site.lost_points == pytest.approx(1.0, rel=0.05)


def test_an_own_caller_who_would_have_been_late_anyway_is_not_harmed() -> None:
    """Two agents, one of whom helps: of three who wait, that one would have served the first."""
    site = Helper(limit=100, agents=2, callers=96)
    site.help("h1")
    site.serve("first", talk_s=1)

    for name in ("a", "b", "c"):
        site.call(name)
    site.wait(21)

    assert site.lost_points == pytest.approx(1.0, rel=0.05)


def test_an_own_caller_who_is_late_for_want_of_agents_is_not_harmed() -> None:
    site = Helper(limit=100, callers=98)
    site.serve("first", talk_s=1)

    site.call("own")
    site.wait(60)

    assert site.lost_points == 0


def test_whoever_left_before_its_agent_began_to_help_is_not_harmed() -> None:
    site = Helper(limit=100, callers=98)
    site.serve("first", talk_s=1)
    site.call("own")
    site.wait(30)
    site.hang_up("own")
    site.hang_up("first")

    site.help("h1")
    site.wait(60)

    assert site.lost_points == 0


def test_help_is_refused_once_it_has_cost_what_it_may_and_given_again_after_more_own_callers() -> None:
    site = Helper(limit=2, callers=100)
    site.help("h1")
    for name in ("a", "b"):
        site.call(name)
        site.wait(25)
        site.hang_up(name)
    site.end_help("h1")

    refused = site.asked_for_help("h2")
    site.serve_quickly("more", count=100)
    given = site.asked_for_help("h3")

    assert refused == Refused(handoff_id=HandoffId("h2"), reason=Refusal.OWN_LOSS)
    assert isinstance(given, Reserved)


def test_of_much_that_is_left_one_help_after_the_other_is_given_and_of_little_none() -> None:
    """Each agent away makes the next one dearer."""
    site = Helper(limit=2, agents=3, callers=100)

    given = [isinstance(site.asked_for_help(name), Reserved) for name in ("h1", "h2", "h3")]

    assert given == [True, True, False]


def test_an_agent_given_back_without_a_call_has_cost_nothing() -> None:
    site = Helper(limit=2, agents=3, callers=100)
    for name in ("h1", "h2"):
        site.asked_for_help(name)

    site.wait(4)

    assert isinstance(site.asked_for_help("h3"), Reserved)


def test_the_board_shows_no_agent_who_may_not_be_lent() -> None:
    site = Helper(limit=0, agents=3, callers=10)

    load = site.floor.floor.load(at(site.now))

    assert load.queues[SALES].agents_idle == 0
    assert load.queues[SALES].agents_staffed == 3
