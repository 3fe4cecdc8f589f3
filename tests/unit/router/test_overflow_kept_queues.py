"""A queue whose calls stay at home (`is_overflow_allowed` off): not offered, not shown, not given away."""

from router import facts, ledger, orders
from router.ids import HandoffId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import Claim, Given, Refusal, Refused, Reply
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at, one, sales

URUMQI = SiteId("urumqi")


def beijing(*, is_allowed: bool) -> FloorUnderTest:
    """A site that sees a peer with idle agents and callers."""
    floor = FloorUnderTest("beijing", policies=[sales(is_overflow_allowed=is_allowed)], peers=[URUMQI])
    shown = QueueLoad(
        agents_staffed=5,
        agents_idle=2,
        calls_waiting=2,
        head_wait_ms=0,
        aht_ms=180_000,
        abandon_rate_per_hour=0.0,
    )
    record = SiteLoad(
        site_id=URUMQI, incarnation=1, version=1, accepting=True, queues={SALES: shown}, link_headroom={}
    )
    floor.tell(facts.ViewConfirmed(), 0)
    floor.tell(facts.LoadSeen(load=record), 0)
    return floor


def asked_count(floor: FloorUnderTest) -> int:
    return len(all_of(floor.log, ledger.HandoffAsked))


def test_its_caller_is_offered_to_nobody_and_shown_to_nobody() -> None:
    for is_allowed in (True, False):
        floor = beijing(is_allowed=is_allowed)

        floor.call("c1", 1)

        assert asked_count(floor) == is_allowed
        assert floor.floor.load(at(1)).queues[SALES].calls_waiting == is_allowed


def test_its_caller_is_given_to_no_claim() -> None:
    assert isinstance(claim_reply(beijing(is_allowed=True)), Given)

    assert claim_reply(beijing(is_allowed=False)) == Refused(
        handoff_id=HandoffId("h1"), reason=Refusal.NONE_WAITING
    )


def test_its_idle_agents_claim_nobody_for_it() -> None:
    for is_allowed in (True, False):
        floor = beijing(is_allowed=is_allowed)

        floor.seat("1", 1)

        assert asked_count(floor) == is_allowed


def test_its_idle_agents_claim_nobody_for_it_without_a_view_either() -> None:
    for is_allowed in (True, False):
        floor = FloorUnderTest(policies=[sales(is_overflow_allowed=is_allowed)], peers=[URUMQI])

        floor.tell(facts.NodeStarted(version="1"), 0)
        floor.seat("1", 1)
        floor.wait_until(60)

        assert (asked_count(floor) > 0) == is_allowed


def claim_reply(floor: FloorUnderTest) -> Reply:
    floor.call("c1", 1)
    claim = Claim(handoff_id=HandoffId("h1"), skills=SALES_SKILLS, token="t", timeout_ms=500)
    asked = facts.SiteAsked(site_id=URUMQI, incarnation=1, request=claim)
    return one(floor.tell(asked, 2), orders.Answer).reply
