"""How far an old view is trusted, and how often a site and a caller are asked for."""

import random
from collections import Counter

import pytest

from router import facts, ledger, orders
from router.ids import Instant, QueueId, SiteId
from router.overflow.board import Board, ViewState
from router.overflow.choice import Chooser
from router.overflow.links import Links
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import Refusal, Refused
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, FloorUnderTest, all_of, at

HOME, NEAR, FAR = SiteId("home"), SiteId("near"), SiteId("far")
LINKS = {NEAR: LinkPolicy(site_id=NEAR), FAR: LinkPolicy(site_id=FAR, cost_s=5)}
POLICY = OverflowPolicy(links=LINKS)
HOME_WAIT_S = 1_000.0


def load(site_id: SiteId, *, version: int = 1, queue_id: QueueId = SALES) -> SiteLoad:
    queue = QueueLoad(
        agents_staffed=200,
        agents_idle=200,
        calls_waiting=200,
        head_wait_ms=0,
        aht_ms=180_000,
        abandon_rate_per_hour=20.0,
    )
    return SiteLoad(
        site_id=site_id,
        incarnation=1,
        version=version,
        accepting=True,
        queues={queue_id: queue},
        link_headroom={},
    )


def room(*sites: SiteId) -> tuple[Board, Chooser]:
    """A view that was confirmed at the first instant."""
    board = Board(HOME, POLICY)
    board.confirm(at(0))
    for site_id in sites:
        board.see(load(site_id), at(0))
    return board, Chooser(board, POLICY, Links(POLICY), random.Random(7))


def chosen(chooser: Chooser, count: int, now: Instant) -> Counter[tuple[str, SiteId]]:
    choices = (chooser.helper_for(SALES, HOME_WAIT_S, (), now) for _ in range(count))
    return Counter((choice.decision.rule, choice.site_id) for choice in choices if choice is not None)


def asks_left(board: Board, now: Instant) -> int:
    count = 0
    while board.may_ask(NEAR, now) and count < 1_000:
        board.note_push(NEAR, SALES, now)
        count += 1
    return count


# --- the age of the view ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age_s", "state"),
    [
        (3.0, ViewState.FRESH),
        (3.001, ViewState.STALE),
        (5.0, ViewState.STALE),
        (5.001, ViewState.UNSCORED),
        (15.0, ViewState.UNSCORED),
        (15.001, ViewState.OUT),
    ],
)
def test_a_view_is_stale_after_three_seconds_unscored_after_five_and_out_after_fifteen(
    age_s: float, state: ViewState
) -> None:
    board, _ = room(NEAR)

    assert board.state(at(age_s)) is state


def test_a_view_that_was_never_confirmed_is_out() -> None:
    board = Board(HOME, POLICY)
    board.see(load(NEAR), at(0))

    assert board.state(at(0)) is ViewState.OUT


def test_a_view_older_than_five_seconds_is_no_longer_compared_by_and_idle_sites_are_drawn_alike() -> None:
    _, chooser = room(NEAR, FAR)

    by_score = chosen(chooser, 200, at(5))
    at_random = chosen(chooser, 200, at(5.001))

    assert set(by_score) == {("PUSH_BY_SCORE", NEAR)}
    assert set(at_random) == {("PUSH_AT_RANDOM", NEAR), ("PUSH_AT_RANDOM", FAR)}
    assert min(at_random.values()) > 70


def test_claims_go_by_the_longest_wait_for_as_long_as_there_is_a_view() -> None:
    _, chooser = room(NEAR, FAR)

    for age_s in (0, 5.001, 15.0):
        choices = (chooser.origin_for([SALES], at(age_s)) for _ in range(40))
        found = {(each.decision.rule, each.site_id) for each in choices if each is not None}
        assert found == {("PULL_LONGEST_WAIT", NEAR)}
    assert chooser.origin_for([SALES], at(15.001)) is None


# --- how often a site is asked ------------------------------------------------------------


def test_a_site_is_asked_so_often_a_second_and_the_next_one_then() -> None:
    board, chooser = room(NEAR, FAR)

    assert asks_left(board, at(1)) == POLICY.site_share_per_s
    assert set(chosen(chooser, 20, at(1))) == {("PUSH_BY_SCORE", FAR)}
    assert asks_left(board, at(1.999)) == 0
    assert asks_left(board, at(2)) == POLICY.site_share_per_s


def test_claims_and_reserves_share_what_a_site_may_be_asked() -> None:
    board, chooser = room(NEAR)

    for _ in range(POLICY.site_share_per_s):
        board.note_claim(NEAR, SALES, at(1))

    assert chosen(chooser, 1, at(1)) == {}
    assert chooser.origin_for([SALES], at(1)) is None
    assert chooser.origin_for([SALES], at(2)) is not None


def test_a_site_that_returns_is_asked_more_and_more_for_ten_seconds() -> None:
    board, _ = room(NEAR)
    board.lose(NEAR)

    board.see(load(NEAR, version=2), at(20))

    assert [asks_left(board, at(20 + second)) for second in (0, 1, 5, 9, 10)] == [1, 5, 25, 45, 50]


def test_a_site_that_did_not_answer_a_claim_is_claimed_from_again_with_its_next_record() -> None:
    floor = FloorUnderTest("home", overflow=POLICY)
    floor.tell(facts.ViewConfirmed(), 0)
    floor.tell(facts.LoadSeen(load=load(NEAR)), 0)

    floor.seat("1", 1)
    ask = all_of(floor.log, orders.Ask)[-1]
    floor.tell(facts.SiteSilent(site_id=NEAR, request=ask.request), 1.5)
    floor.wait_until(2.9)
    assert asked(floor) == [NEAR]
    floor.tell(facts.LoadSeen(load=load(NEAR, version=2)), 3)

    assert asked(floor) == [NEAR, NEAR]


# --- how often a caller is asked for --------------------------------------------------------


def test_a_caller_is_asked_for_at_two_sites_and_at_others_a_second_later() -> None:
    peers = [SiteId(name) for name in ("harbin", "lhasa", "urumqi")]
    links = {peer: LinkPolicy(site_id=peer) for peer in peers}
    floor = FloorUnderTest("home", overflow=OverflowPolicy(links=links))
    floor.tell(facts.ViewConfirmed(), 0)
    for peer in peers:
        floor.tell(facts.LoadSeen(load=load(peer)), 0)

    floor.call("c1", 1)
    for _ in range(4):
        refuse_last(floor, 1)
    assert len(asked(floor)) == 2
    floor.wait_until(1.999)
    assert len(asked(floor)) == 2
    floor.wait_until(2)

    assert len(asked(floor)) == 3
    assert len(set(asked(floor))) == 3, "a site that refused is not asked again before its record changes"


def refuse_last(floor: FloorUnderTest, seconds: float) -> None:
    ask = all_of(floor.log, orders.Ask)[-1]
    reply = Refused(handoff_id=ask.request.handoff_id, reason=Refusal.NO_IDLE_AGENT)
    told = facts.SiteReplied(site_id=ask.site_id, incarnation=1, request=ask.request, reply=reply)
    floor.tell(told, seconds)


def asked(floor: FloorUnderTest) -> list[SiteId]:
    return [row.peer for row in all_of(floor.log, ledger.HandoffAsked)]
