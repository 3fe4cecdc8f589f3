"""What a site's record says decides whether it is asked, and the newest record counts."""

import random

from router import facts, ledger, orders
from router.ids import SiteId
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.links import Links
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, FloorUnderTest, all_of, at

HOME, NEAR, FAR = SiteId("home"), SiteId("near"), SiteId("far")
POLICY = OverflowPolicy(links={NEAR: LinkPolicy(site_id=NEAR), FAR: LinkPolicy(site_id=FAR, cost_s=5)})
HOME_WAIT_S = 1_000.0


def load(
    site_id: SiteId,
    *,
    order: tuple[int, int] = (1, 1),
    idle: int = 0,
    waiting: int = 0,
    head_wait_ms: int = 0,
    accepting: bool = True,
    headroom: int = 30,
) -> SiteLoad:
    queue = QueueLoad(
        agents_staffed=5,
        agents_idle=idle,
        calls_waiting=waiting,
        head_wait_ms=head_wait_ms,
        aht_ms=180_000,
        abandon_rate_per_hour=20.0,
    )
    return SiteLoad(
        site_id=site_id,
        incarnation=order[0],
        version=order[1],
        accepting=accepting,
        queues={SALES: queue},
        link_headroom={HOME: headroom},
    )


def asked_for_agent(*loads: SiteLoad) -> SiteId | None:
    choice = room(*loads).helper_for(SALES, HOME_WAIT_S, (), at(1))
    return None if choice is None else choice.site_id


def asked_for_caller(*loads: SiteLoad) -> SiteId | None:
    choice = room(*loads).origin_for([SALES], at(1))
    return None if choice is None else choice.site_id


def room(*loads: SiteLoad) -> Chooser:
    board = Board(HOME, POLICY)
    board.confirm(at(0))
    for each in loads:
        board.see(each, at(0))
    return Chooser(board, POLICY, Links(POLICY), random.Random(7))


def test_a_site_that_takes_no_new_calls_is_asked_for_nothing() -> None:
    for accepting, asked in ((True, NEAR), (False, None)):
        assert asked_for_agent(load(NEAR, idle=2, accepting=accepting)) == asked
        assert asked_for_caller(load(NEAR, waiting=2, accepting=accepting)) == asked


def test_a_site_whose_end_of_the_link_is_full_is_asked_for_nothing() -> None:
    for headroom, asked in ((1, NEAR), (0, None)):
        assert asked_for_agent(load(NEAR, idle=2, headroom=headroom)) == asked
        assert asked_for_caller(load(NEAR, waiting=2, headroom=headroom)) == asked


def test_a_record_that_comes_late_does_not_come_over_a_newer_one() -> None:
    newest = load(NEAR, order=(2, 3), idle=0)

    for order in ((2, 2), (1, 9)):
        assert asked_for_agent(newest, load(NEAR, order=order, idle=4)) is None
    for order in ((2, 4), (3, 1)):
        assert asked_for_agent(newest, load(NEAR, order=order, idle=4)) == NEAR


def test_a_dearer_link_is_claimed_over_when_its_caller_has_waited_so_much_longer() -> None:
    near = load(NEAR, waiting=1, head_wait_ms=4_000)

    assert asked_for_caller(near, load(FAR, waiting=1, head_wait_ms=8_900)) == NEAR
    assert asked_for_caller(near, load(FAR, waiting=1, head_wait_ms=9_100)) == FAR


def test_agents_kept_back_for_the_sites_own_callers_claim_nobody() -> None:
    links = {NEAR: LinkPolicy(site_id=NEAR)}
    floor = FloorUnderTest("home", overflow=OverflowPolicy(links=links, home_reserve=1))
    floor.tell(facts.ViewConfirmed(), 0)
    floor.tell(facts.LoadSeen(load=load(NEAR, waiting=5)), 0)

    floor.seat("1", 1)
    assert all_of(floor.log, ledger.HandoffAsked) == []
    floor.seat("2", 1)

    assert [row.peer for row in all_of(floor.log, ledger.HandoffAsked)] == [NEAR], "one stays for our own"


def test_the_only_peer_is_asked_for_a_caller_once_without_a_view_too() -> None:
    floor = FloorUnderTest("home", overflow=OverflowPolicy(links={NEAR: LinkPolicy(site_id=NEAR)}))
    floor.wait_until(60)

    floor.call("c1", 60)
    floor.tell(reply_silent(floor), 60.5)

    assert [row.peer for row in all_of(floor.log, ledger.HandoffAsked)] == [NEAR]


def reply_silent(floor: FloorUnderTest) -> facts.SiteSilent:
    ask = all_of(floor.log, orders.Ask)[-1]
    return facts.SiteSilent(site_id=ask.site_id, request=ask.request)
