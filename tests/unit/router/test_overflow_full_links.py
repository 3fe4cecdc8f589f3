"""A link that carries as many calls as it may stops nobody from going elsewhere.

The limit is this site's own file's: the other end's record may show headroom all the same.
"""

from dataclasses import replace

from router import facts, ledger
from router.ids import SiteId
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import FloorUnderTest, all_of, at

HARBIN, URUMQI = SiteId("harbin"), SiteId("urumqi")
LINKS = {
    HARBIN: LinkPolicy(site_id=HARBIN, leg_limit=0),
    URUMQI: LinkPolicy(site_id=URUMQI, cost_s=4),
}


def beijing() -> FloorUnderTest:
    """A site whose cheap link is full."""
    floor = FloorUnderTest("beijing", overflow=OverflowPolicy(links=LINKS))
    floor.tell(facts.ViewConfirmed(), 0)
    floor.wait_until(0.001)
    return floor


def show(floor: FloorUnderTest, site: str, *, idle: int = 0, caller_at: float | None = None) -> None:
    other = FloorUnderTest(site)
    for number in range(idle):
        other.seat(str(number), 0)
    if caller_at is not None:
        other.call(f"{site}-caller", caller_at)
    floor.tell(facts.LoadSeen(load=replace(other.floor.load(at(9)), version=7)), 9)
    floor.tell(facts.ViewConfirmed(), 9)


def asked(floor: FloorUnderTest) -> list[str]:
    return [each.peer for each in all_of(floor.log, ledger.HandoffAsked)]


def test_a_caller_goes_over_the_dearer_link_when_the_cheap_one_is_full() -> None:
    floor = beijing()
    show(floor, "harbin", idle=5)
    show(floor, "urumqi", idle=1)

    floor.call("c1", 10)

    assert asked(floor) == [URUMQI]


def test_an_agent_asks_for_the_next_caller_when_the_link_to_the_first_is_full() -> None:
    floor = beijing()
    show(floor, "harbin", caller_at=1)
    show(floor, "urumqi", caller_at=5)

    floor.seat("1", 10)

    assert asked(floor) == [URUMQI]


def test_without_a_view_the_rotation_leaves_full_links_out() -> None:
    floor = beijing()
    floor.wait_until(60)

    for number in range(4):
        floor.call(f"c{number}", 60)

    assert asked(floor) == [URUMQI] * 4
