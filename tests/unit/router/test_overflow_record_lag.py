"""Records that lag behind: how that is noticed, and whom a caller asks then."""

import random

from router import facts, ledger, orders
from router.call import CallContext
from router.ids import CallId, SiteId, Skill
from router.ledger import Decision
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.lag import RecordLag
from router.overflow.links import Links
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.messages import Given, Refusal, Refused, Reply, Reserved
from router.overflow.policy import LinkPolicy, OverflowPolicy
from tests.fakes.floor import SALES, SALES_SKILLS, FloorUnderTest, all_of, at

HARBIN, URUMQI, LHASA = SiteId("harbin"), SiteId("urumqi"), SiteId("lhasa")


def load(site: SiteId, version: int = 1, *, idle: int = 0, waiting: int = 0, staffed: int = 4) -> SiteLoad:
    shown = QueueLoad(
        agents_staffed=staffed,
        agents_idle=idle,
        calls_waiting=waiting,
        head_wait_ms=0,
        aht_ms=180_000,
        abandon_rate_per_hour=20.0,
    )
    return SiteLoad(
        site_id=site, incarnation=1, version=version, accepting=True, queues={SALES: shown}, link_headroom={}
    )


def busy_site(*records: SiteLoad) -> FloorUnderTest:
    """Nobody of its own at work, and a view that stays fresh whatever its records are."""
    links = {each.site_id: LinkPolicy(site_id=each.site_id) for each in records}
    floor = FloorUnderTest("beijing", overflow=OverflowPolicy(links=links))
    floor.tell(facts.ViewConfirmed(), 0)
    for record in records:
        floor.tell(facts.LoadSeen(load=record), 0)
    return floor


def pending(floor: FloorUnderTest) -> orders.Ask:
    return all_of(floor.log, orders.Ask)[-1]


def reply_to_last(floor: FloorUnderTest, seconds: float, make: type[Refused | Reserved] = Refused) -> None:
    ask = pending(floor)
    handoff_id = ask.request.handoff_id
    reply: Reply = Reserved(handoff_id=handoff_id, token="t")
    if make is Refused:
        reply = Refused(handoff_id=handoff_id, reason=Refusal.NO_IDLE_AGENT)
    told = facts.SiteReplied(site_id=ask.site_id, incarnation=1, request=ask.request, reply=reply)
    floor.tell(told, seconds)


def decisions(floor: FloorUnderTest) -> list[tuple[SiteId, Decision]]:
    return [(row.peer, row.decision) for row in all_of(floor.log, ledger.HandoffAsked)]


def lagging(*records: SiteLoad) -> FloorUnderTest:
    """Urumqi's record showed an agent and was refuted at 1 s; at 7 s it still stands."""
    floor = busy_site(load(URUMQI, idle=1), *records)
    floor.call("first", 1)
    reply_to_last(floor, 1)
    floor.tell(facts.CallerHungUp(call_id=CallId("first")), 1.5)
    floor.tell(facts.ViewConfirmed(), 7)
    return floor


def test_a_caller_asks_a_site_that_shows_nobody_idle_once_a_refuted_record_has_stood_too_long() -> None:
    floor = lagging(load(HARBIN, 7))

    floor.call("c1", 7.5)

    site_id, decision = decisions(floor)[-1]
    assert (site_id, decision.rule) == (HARBIN, "PUSH_UNSHOWN")
    assert decision.candidates == ((HARBIN, 7, 0.0),)
    assert decision.seen == ((7_500, 0),)
    assert decision.view_age_ms == 500


def test_nobody_who_shows_nobody_idle_is_asked_while_records_are_right() -> None:
    floor = busy_site(load(HARBIN))
    floor.call("c1", 1)

    for second in range(2, 60, 2):
        floor.tell(facts.ViewConfirmed(), second)
        floor.wait_until(second)

    assert decisions(floor) == []


def test_a_record_that_is_replaced_in_time_is_no_lag() -> None:
    floor = busy_site(load(URUMQI, idle=1), load(HARBIN))
    floor.call("first", 1)
    reply_to_last(floor, 1)
    floor.tell(facts.LoadSeen(load=load(URUMQI, 2)), 5)
    floor.tell(facts.ViewConfirmed(), 7)

    floor.wait_until(20)

    assert [site_id for site_id, _ in decisions(floor)] == [URUMQI]


def test_the_same_record_told_again_is_still_behind_and_one_taken_back_is_not() -> None:
    board = Board(SiteId("home"), OverflowPolicy())
    for site in (URUMQI, HARBIN):
        board.see(load(site, idle=1), at(0))
        board.hear_of_no_agent(site, SALES, at(1))

    board.see(load(HARBIN), at(2))
    board.see(load(URUMQI, idle=1), at(5))

    assert board.records_lag(at(6.001))
    board.lose(URUMQI)
    assert not board.records_lag(at(400))


def test_who_refused_since_its_record_came_knows_of_the_caller_and_is_not_asked_again() -> None:
    floor = lagging(load(HARBIN))
    floor.call("c1", 7.5)

    reply_to_last(floor, 7.6)
    floor.tell(facts.ViewConfirmed(), 9)
    floor.wait_until(9.5)
    floor.call("c2", 9.6)

    assert [site_id for site_id, _ in decisions(floor)] == [URUMQI, HARBIN]
    floor.tell(facts.LoadSeen(load=load(HARBIN, 2)), 10)
    floor.call("c3", 10.1)
    assert [site_id for site_id, _ in decisions(floor)][-1] == HARBIN


def test_a_site_that_had_an_agent_is_asked_again_without_a_new_record() -> None:
    floor = lagging(load(HARBIN))
    floor.call("c1", 7.5)

    reply_to_last(floor, 7.6, Reserved)
    floor.call("c2", 7.7)

    site_id, decision = decisions(floor)[-1]
    assert (site_id, decision.rule, decision.seen) == (HARBIN, "PUSH_BY_SCORE", ((7_700, 1),))


def test_a_site_that_gave_a_caller_is_asked_again_without_a_new_record() -> None:
    floor = lagging(load(HARBIN, waiting=1))
    floor.seat("1", 7.5)
    ask = pending(floor)
    call = CallContext(
        call_id=CallId("theirs"),
        queue_id=SALES,
        skills=SALES_SKILLS,
        priority=0,
        customer_id=None,
        waited_ms=0,
    )
    given = Given(handoff_id=ask.request.handoff_id, call=call)
    floor.tell(facts.SiteReplied(site_id=HARBIN, incarnation=1, request=ask.request, reply=given), 7.6)

    floor.seat("2", 7.7)

    site_id, decision = decisions(floor)[-1]
    assert (site_id, decision.rule) == (HARBIN, "PULL_LONGEST_WAIT")


def test_a_site_that_claimed_in_vain_has_forgotten_our_caller() -> None:
    board = Board(SiteId("home"), OverflowPolicy())
    board.see(load(HARBIN), at(0))
    board.hear_of_no_agent(HARBIN, SALES, at(1))
    assert board.unshown_groups(SALES) == []

    board.hear_of_agent(HARBIN, SALES)
    board.note_push(HARBIN, SALES, at(2))

    assert [list(group) for _, group in board.unshown_groups(SALES)] == [[HARBIN]]


def test_a_link_must_save_more_than_it_costs_there_too() -> None:
    board = Board(
        SiteId("home"), policy := OverflowPolicy(links={LHASA: LinkPolicy(site_id=LHASA, cost_s=5)})
    )
    for record in (load(URUMQI, idle=1), load(LHASA)):
        board.see(record, at(0))
    board.hear_of_no_agent(URUMQI, SALES, at(1))
    board.confirm(at(7))
    chooser = Chooser(board, policy, Links(policy), random.Random(7))

    assert chooser.helper_for(SALES, 4.0, (), at(7)) is None
    choice = chooser.helper_for(SALES, 6.0, (), at(7))
    assert choice is not None
    assert choice.site_id == LHASA


def test_a_site_without_agents_at_work_is_not_asked() -> None:
    floor = lagging(load(HARBIN, staffed=0))

    floor.call("c1", 7.5)

    assert [site_id for site_id, _ in decisions(floor)] == [URUMQI]


def test_a_refused_caller_with_a_wish_of_its_own_refutes_no_record() -> None:
    floor = busy_site(load(URUMQI, idle=1), load(HARBIN))
    floor.call("wisher", 1, skills=frozenset({Skill("cantonese")}))
    reply_to_last(floor, 1)
    floor.tell(facts.ViewConfirmed(), 7)

    floor.wait_until(9)
    floor.call("c1", 9)

    assert {site_id for site_id, _ in decisions(floor)} == {URUMQI}


def test_an_empty_claim_refutes_a_record_and_leaves_the_site_to_be_asked_for_an_agent() -> None:
    board, policy = Board(SiteId("home"), OverflowPolicy()), OverflowPolicy()
    board.see(load(URUMQI, idle=1, waiting=1), at(0))
    board.confirm(at(6))

    board.hear_of_no_caller(URUMQI, SALES, at(0.5))

    chooser = Chooser(board, policy, Links(policy), random.Random(7))
    assert chooser.origin_for([SALES], at(6)) is None
    assert chooser.helper_for(SALES, 60.0, (), at(6)) is not None
    assert board.records_lag(at(6))


def test_lag_is_forgotten_after_five_minutes_and_with_the_site() -> None:
    lag = RecordLag(OverflowPolicy())
    lag.refute(URUMQI, at(0))
    assert not lag.is_on(at(5))
    lag.replace(URUMQI, at(60))

    assert lag.is_on(at(359.999))
    assert not lag.is_on(at(360))
    lag.refute(HARBIN, at(400))
    lag.lose(HARBIN)
    assert not lag.is_on(at(500))
