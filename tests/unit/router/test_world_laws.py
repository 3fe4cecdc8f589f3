"""Each law is shown to catch a violation, and to pass the same ledger without it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from router.agent import AgentState, RingFailure
from router.call import Disposition
from router.ids import AgentId, CallId, HandoffId, LegId, QueueId, SiteId, Skill
from router.ledger import (
    AgentLoggedIn,
    AgentOffered,
    AgentStateChanged,
    CallArrived,
    CallbackRequested,
    CallbackTried,
    CallConnected,
    CallEnded,
    CallQueued,
    ClockStepped,
    Decision,
    Entry,
    HandoffAsked,
    HandoffConfirmed,
    HandoffConnected,
    HandoffDialed,
    HandoffEnded,
    HandoffPromised,
    HandoffRang,
    HandoffRedirected,
    HandoffReserved,
    HandoffTakenIn,
    LedgerRow,
    NodeStarted,
    OutboundBegan,
    RingFailed,
    Role,
    VoicemailBegan,
)
from router.outbound.outcome import OutboundOutcome
from router.world.laws.journal import hq_equals_branches, journal_has_no_gap_below_the_watermark
from router.world.laws.law import InSystem, LawResult
from router.world.laws.ledgers import check_ledgers
from tests.ledgers import Ledger

A, B, C = SiteId("a"), SiteId("b"), SiteId("c")
PS = QueueId("PS")
C1, C2 = CallId("c1"), CallId("c2")
H1 = HandoffId("h1")
ANNA = AgentId("a/anna")


def law(name: str, *ledgers: Ledger, alive: InSystem | None = None) -> LawResult:
    rows: Iterable[LedgerRow] = [row for ledger in ledgers for row in ledger.rows]
    return next(result for result in check_ledgers(rows, alive) if result.name == name)


def broken(ledgers: Iterable[Ledger]) -> set[str]:
    rows = [row for ledger in ledgers for row in ledger.rows]
    return {result.name for result in check_ledgers(rows) if result.violation_count}


def arrival(call: CallId = C1) -> tuple[Entry, Entry]:
    return (
        CallArrived(call_id=call, dialled="95555", customer_id=None),
        CallQueued(call_id=call, queue_id=PS, skills=(Skill("PS"),), priority=0, customer_id=None),
    )


def offer(
    leg: str = "l1", call: CallId = C1, agent: AgentId = ANNA, handoff: HandoffId | None = None
) -> Entry:
    return AgentOffered(call_id=call, leg_id=LegId(leg), agent_id=agent, queue_id=PS, handoff_id=handoff)


def unanswered(leg: str = "l1", call: CallId = C1) -> Entry:
    return RingFailed(
        call_id=call, leg_id=LegId(leg), agent_id=ANNA, queue_id=PS, reason=RingFailure.NO_ANSWER
    )


def state(state: AgentState, agent: AgentId = ANNA) -> Entry:
    return AgentStateChanged(agent_id=agent, state=state, reason=None)


def connected(waited_s: float, call: CallId = C1, at: SiteId = A) -> Entry:
    return CallConnected(
        call_id=call,
        queue_id=PS,
        agent_id=ANNA,
        leg_id=None,
        handoff_id=None,
        served_by=at,
        waited_ms=round(waited_s * 1000),
    )


def end(waited_s: float = 2, call: CallId = C1, disposition: Disposition = Disposition.ANSWERED) -> CallEnded:
    return CallEnded(
        call_id=call,
        queue_id=PS,
        disposition=disposition,
        reason=None,
        waited_ms=round(waited_s * 1000),
        talk_ms=0,
        hold_ms=0,
        is_short=False,
    )


def a_local_call() -> Ledger:
    ledger = Ledger("a")
    ledger.at(0, AgentLoggedIn(agent_id=ANNA, skills=(Skill("PS"),)), state(AgentState.READY))
    ledger.at(1, *arrival(), offer(), state(AgentState.RINGING))
    ledger.at(3, connected(2), state(AgentState.TALKING))
    return ledger.at(60, end(2), state(AgentState.READY))


def reserved(role: Role, peer: SiteId, agent: AgentId | None = None) -> Entry:
    return HandoffReserved(handoff_id=H1, role=role, peer=peer, call_id=C1, agent_id=agent)


def bridged(role: Role, peer: SiteId) -> Entry:
    return HandoffConnected(handoff_id=H1, role=role, peer=peer, call_id=C1, agent_id=None)


def handed_off() -> tuple[Ledger, Ledger]:
    bert = AgentId("b/bert")
    decision = Decision(rule="PUSH_BY_SCORE", view_age_ms=0, candidates=())
    origin, helper = Ledger("a"), Ledger("b")
    origin.at(0, *arrival())
    origin.at(0, HandoffAsked(handoff_id=H1, role=Role.ORIGIN, peer=B, call_id=C1, decision=decision))
    helper.at(0.03, reserved(Role.HELPER, A, bert), state(AgentState.RESERVED, bert))
    origin.at(0.06, reserved(Role.ORIGIN, B), HandoffDialed(handoff_id=H1, peer=B, call_id=C1, decision=None))
    helper.at(0.4, offer("l9", agent=bert, handoff=H1), state(AgentState.RINGING, bert))
    origin.at(0.5, HandoffRang(handoff_id=H1, role=Role.ORIGIN, peer=B, call_id=C1))
    helper.at(2.5, bridged(Role.HELPER, A), state(AgentState.TALKING, bert))
    origin.at(2.6, bridged(Role.ORIGIN, B), connected(2.6, at=B))
    helper.at(2.7, HandoffConfirmed(handoff_id=H1, peer=A, call_id=C1))
    over = HandoffEnded(handoff_id=H1, role=Role.HELPER, peer=A, call_id=C1, agent_id=bert, talk_ms=9)
    helper.at(60, over, state(AgentState.READY, bert))
    origin.at(60, end(2.6))
    return origin, helper


def a_callback() -> Ledger:
    """ANNA is ready when C1, who asked for it, is called back in vain."""
    began = OutboundBegan(call_id=C2, agent_id=ANNA, queue_id=PS, callback_of=C1)
    tried = CallbackTried(call_id=C1, outbound_id=C2, outcome=OutboundOutcome.BUSY, is_counted=True)
    ledger = Ledger("a").at(0, *arrival()).at(5, CallbackRequested(call_id=C1, queue_id=PS))
    ledger.at(5, end(5, disposition=Disposition.CALLBACK)).at(9, state(AgentState.READY))
    return ledger.at(9, began).at(20, tried)


def test_lawful_ledgers_break_no_law_and_every_law_looked() -> None:
    local = check_ledgers(a_local_call().rows)
    overflow = check_ledgers([row for ledger in handed_off() for row in ledger.rows])
    callback = check_ledgers(a_callback().rows)
    redirect = check_ledgers([row for ledger in (redirected_at_a(), came_to_b()) for row in ledger.rows])

    every = (local, overflow, callback, redirect)
    assert [each.violations for results in every for each in results if each.violations] == []
    assert all(any(each.checked for each in law) for law in zip(*every, strict=True))


def test_the_order_between_sites_does_not_matter() -> None:
    origin, helper = handed_off()

    assert broken([origin, helper]) == broken([helper, origin]) == set()


# --- no_call_is_lost ---------------------------------------------------------------------


def test_a_call_without_an_end_is_lost_unless_it_is_in_the_system() -> None:
    ledger = Ledger("a").at(0, *arrival())

    assert law("no_call_is_lost", ledger).violation_count == 1
    assert law("no_call_is_lost", ledger, alive=InSystem(calls=frozenset({C1}))).violation_count == 0


def test_a_call_that_ends_without_having_arrived_is_a_violation() -> None:
    assert law("no_call_is_lost", Ledger("a").at(0, end())).violation_count == 1


def test_a_call_in_the_system_that_no_row_knows_is_a_violation() -> None:
    assert law("no_call_is_lost", alive=InSystem(calls=frozenset({C2}))).violation_count == 1


# --- one_owner ---------------------------------------------------------------------------


def test_two_sites_that_write_one_calls_life_are_a_violation() -> None:
    other = Ledger("b").at(5, end())

    assert "one_owner" in broken([a_local_call(), other])


# --- one_terminal_disposition ------------------------------------------------------------


def test_a_second_end_is_a_violation() -> None:
    ledger = a_local_call().at(61, end(2, disposition=Disposition.FAILED))

    assert "one_terminal_disposition" in broken([ledger])


def test_an_offer_after_the_end_is_a_violation() -> None:
    assert "one_terminal_disposition" in broken([a_local_call().at(61, offer("l2"))])


# --- one_open_offer ----------------------------------------------------------------------


def test_a_second_offer_while_the_first_rings_is_a_violation() -> None:
    ledger = Ledger("a").at(0, *arrival()).at(1, offer("l1")).at(2, offer("l2", agent=AgentId("a/ben")))

    assert "one_open_offer" in broken([ledger])


def test_a_set_rung_at_one_instant_and_an_offer_after_rona_are_lawful() -> None:
    ledger = Ledger("a").at(0, *arrival()).at(1, offer("l1"), offer("l2", agent=AgentId("a/ben")))
    ledger.at(16, unanswered("l1"), unanswered("l2")).at(17, offer("l3"))

    assert "one_open_offer" not in broken([ledger])


def test_ringing_here_and_at_a_helper_at_once_is_a_violation() -> None:
    rang = HandoffRang(handoff_id=H1, role=Role.ORIGIN, peer=B, call_id=C1)

    assert "one_open_offer" in broken([Ledger("a").at(0, *arrival()).at(1, offer()).at(2, rang)])
    assert "one_open_offer" in broken([Ledger("a").at(0, *arrival()).at(1, rang).at(2, offer())])


def test_a_restart_ends_what_rang() -> None:
    ledger = Ledger("a").at(0, *arrival()).at(1, offer("l1")).restart().at(2, offer("l2"))

    assert "one_open_offer" not in broken([ledger])


# --- an_agent_has_at_most_one_reservation ------------------------------------------------


def test_an_agent_kept_for_two_hand_offs_is_a_violation() -> None:
    second = HandoffReserved(handoff_id=HandoffId("h2"), role=Role.HELPER, peer=C, call_id=C2, agent_id=ANNA)
    ledger = Ledger("a").at(0, reserved(Role.HELPER, B, ANNA), state(AgentState.RESERVED)).at(1, second)

    assert "an_agent_has_at_most_one_reservation" in broken([ledger])


def test_a_local_offer_to_a_reserved_or_talking_agent_is_a_violation() -> None:
    kept = Ledger("a").at(0, reserved(Role.HELPER, B, ANNA), state(AgentState.RESERVED)).at(1, offer())
    talking = Ledger("a").at(0, state(AgentState.TALKING)).at(1, offer())

    assert "an_agent_has_at_most_one_reservation" in broken([kept])
    assert "an_agent_has_at_most_one_reservation" in broken([talking])


# --- overflow_balances -------------------------------------------------------------------


def without(ledger: Ledger, kind: type[Entry]) -> Ledger:
    ledger.rows = [row for row in ledger.rows if not isinstance(row.entry, kind)]
    return ledger


def test_confirmed_at_the_helper_and_never_bridged_is_a_violation() -> None:
    origin, helper = handed_off()

    assert "overflow_balances" in broken([without(origin, HandoffConnected), helper])


def test_bridged_at_the_origin_and_never_answered_is_a_violation() -> None:
    origin, helper = handed_off()

    assert "overflow_balances" in broken([origin, without(helper, HandoffConnected)])


def test_answered_and_then_forgotten_is_a_violation_unless_in_flight() -> None:
    origin, helper = handed_off()
    without(without(helper, HandoffConfirmed), HandoffEnded)
    flying = InSystem(handoffs=frozenset({H1}))

    assert law("overflow_balances", origin, helper).violation_count == 1
    assert law("overflow_balances", origin, helper, alive=flying).violation_count == 0


def test_confirmed_twice_is_a_violation() -> None:
    origin, helper = handed_off()
    helper.at(61, HandoffConfirmed(handoff_id=H1, peer=A, call_id=C1))

    assert "overflow_balances" in broken([origin, helper])


# --- no_caller_waits_beside_an_idle_agent ------------------------------------------------


def idle_and_waiting(skill: str = "PS") -> Ledger:
    ledger = Ledger("a").at(0, AgentLoggedIn(agent_id=ANNA, skills=(Skill(skill),)), state(AgentState.READY))
    return ledger.at(1, *arrival())


def test_a_caller_beside_an_idle_agent_is_a_violation() -> None:
    assert "no_caller_waits_beside_an_idle_agent" in broken([idle_and_waiting().at(2, end(1))])


def test_an_agent_without_the_skill_or_not_ready_is_no_violation() -> None:
    not_ready = Ledger("a").at(0, state(AgentState.MISSED)).at(1, *arrival()).at(9, end(8))

    assert broken([idle_and_waiting("NW").at(2, end(1))]) == set()
    assert broken([not_ready]) == set()


def test_waiting_and_idle_within_one_moment_is_no_violation() -> None:
    ledger = idle_and_waiting().at(1, offer(), state(AgentState.RINGING)).at(5, end(4))

    assert broken([ledger]) == set()


def test_a_call_back_in_the_queue_after_rona_is_judged_again() -> None:
    ben = AgentId("a/ben")
    ledger = idle_and_waiting().at(1, offer(), state(AgentState.RINGING))
    ledger.at(2, AgentLoggedIn(agent_id=ben, skills=(Skill("PS"),)), state(AgentState.READY, ben))
    ledger.at(16, unanswered(), state(AgentState.MISSED)).at(30, end(29))

    assert broken([ledger]) == {"no_caller_waits_beside_an_idle_agent"}


def test_a_call_that_left_the_queue_for_voicemail_is_not_judged() -> None:
    began = VoicemailBegan(call_id=C1, queue_id=PS)
    ledger = Ledger("a").at(0, *arrival()).at(1, began)
    ledger.at(2, AgentLoggedIn(agent_id=ANNA, skills=(Skill("PS"),)), state(AgentState.READY))

    assert broken([ledger.at(9, end(9, disposition=Disposition.VOICEMAIL))]) == set()


# --- seniority_is_kept -------------------------------------------------------------------


@pytest.mark.parametrize(("waited_s", "is_lawful"), [(30.0, True), (29.0, False)])
def test_a_wait_counts_from_the_first_queueing(waited_s: float, is_lawful: bool) -> None:
    ledger = Ledger("a").at(0, *arrival()).at(30, connected(waited_s)).at(90, end(waited_s))

    assert ("seniority_is_kept" not in broken([ledger])) is is_lawful


def test_queueing_a_second_time_is_a_violation() -> None:
    ledger = Ledger("a").at(0, *arrival()).at(5, arrival()[1]).at(9, end(9))

    assert "seniority_is_kept" in broken([ledger])


def test_a_wait_across_a_restart_may_be_off_by_the_clocks_tolerance_only() -> None:
    def across(waited_s: float, *between: Entry) -> Ledger:
        ledger = Ledger("a").at(0, *arrival()).at(1, *between).restart()
        return ledger.at(30, connected(waited_s)).at(90, end(waited_s))

    assert broken([across(31)]) == set()
    assert broken([across(5)]) == {"seniority_is_kept"}
    assert broken([across(5, ClockStepped(by_ms=25_000))]) == set()


@pytest.mark.parametrize(("began_s", "is_lawful"), [(4, True), (11, False)])
def test_a_wait_is_not_held_against_a_clock_that_was_set_back_before_the_process_began(
    began_s: float, is_lawful: bool
) -> None:
    ledger = Ledger("a").at(10, *arrival()).restart()
    ledger.at(began_s, NodeStarted(version="1", readopted_call_count=1))

    ledger.at(14, connected(10)).at(90, end(10))

    assert broken([ledger]) == (set() if is_lawful else {"seniority_is_kept"})


def test_an_end_that_tells_another_wait_than_the_answer_is_a_violation() -> None:
    ledger = Ledger("a").at(0, *arrival()).at(30, connected(30)).at(90, end(90))

    assert broken([ledger]) == {"seniority_is_kept"}


# --- hops_are_limited --------------------------------------------------------------------


def test_a_helper_that_hands_on_is_a_violation() -> None:
    origin, helper = handed_off()
    helper.at(5, HandoffDialed(handoff_id=HandoffId("h2"), peer=C, call_id=C1, decision=None))

    assert broken([origin, helper]) == {"hops_are_limited"}
    assert broken([helper, origin]) == {"hops_are_limited"}


def test_a_hand_off_of_a_call_that_never_arrived_is_a_violation_once_it_was_dialled() -> None:
    helper = Ledger("b").at(0, reserved(Role.HELPER, A, AgentId("b/bert")))
    origin = Ledger("a").at(1, HandoffDialed(handoff_id=H1, peer=B, call_id=C1, decision=None))

    assert broken([helper]) == set()
    assert broken([helper, origin]) == {"hops_are_limited"}


# --- the journal -------------------------------------------------------------------------


def test_a_row_missing_or_doubled_below_the_watermark_is_a_violation() -> None:
    keys = [(A, 1), (A, 2), (A, 3)]

    assert journal_has_no_gap_below_the_watermark(keys, {A: 3}).violations == []
    assert journal_has_no_gap_below_the_watermark([(A, 1), (A, 3)], {A: 3}).violation_count == 1
    assert journal_has_no_gap_below_the_watermark([*keys, (A, 2)], {A: 3}).violation_count == 1


def test_hq_must_hold_what_branches_hold_and_nothing_else() -> None:
    rows = a_local_call().rows

    assert hq_equals_branches(rows, rows).violations == []
    assert hq_equals_branches(rows, rows[:-1]).violation_count == 1
    assert hq_equals_branches(rows[:-1], rows).violation_count == 1
    assert hq_equals_branches(
        rows, [*rows[:-1], Ledger("a").at(9, *[r.entry for r in rows]).rows[-1]]
    ).violations


OWN = CallId("own")


def redirected_at_a() -> Ledger:
    sent = HandoffRedirected(handoff_id=H1, peer=B, call_id=C1)
    return Ledger("a").at(0, *arrival()).at(1, sent, end(1, C1, Disposition.REDIRECTED))


def promised_at_b() -> Ledger:
    promise = HandoffPromised(
        handoff_id=H1,
        peer=A,
        call_id=C1,
        own_call_id=OWN,
        queue_id=PS,
        skills=(Skill("PS"),),
        priority=0,
        customer_id=None,
        waited_ms=1_000,
        token_hash="",
    )
    return Ledger("b").at(1, promise)


def taken_in(call: CallId = OWN, origin_call: CallId = C1) -> HandoffTakenIn:
    return HandoffTakenIn(handoff_id=H1, peer=A, call_id=call, origin_call_id=origin_call)


def came_to_b(waited_before_ms: int = 2_000) -> Ledger:
    arrived, queued = arrival(OWN)
    assert isinstance(queued, CallQueued)
    there = promised_at_b().at(2, taken_in(), arrived, replace(queued, waited_before_ms=waited_before_ms))
    waited_s = 3 + waited_before_ms / 1_000
    return there.at(5, end(waited_s, OWN, Disposition.ABANDONED_IN_QUEUE))


def test_a_redirected_call_is_one_where_it_goes_or_is_lost_by_its_carrier() -> None:
    assert broken([redirected_at_a(), came_to_b()]) == set()
    assert broken([redirected_at_a(), promised_at_b()]) == set()


@pytest.mark.parametrize(
    ("at_a", "at_b"),
    [
        (redirected_at_a(), came_to_b().at(6, taken_in())),
        (redirected_at_a(), came_to_b().at(6, taken_in(CallId("another")))),
        (Ledger("a").at(0, *arrival()).at(1, end(1)), came_to_b()),
        (Ledger("a").at(0, *arrival()).at(1, end(1, C1, Disposition.REDIRECTED)), promised_at_b()),
        (Ledger("a").at(0, *arrival(), HandoffRedirected(handoff_id=H1, peer=B, call_id=C1)), came_to_b()),
        (redirected_at_a(), promised_at_b().at(2, taken_in())),
        (redirected_at_a(), Ledger("b").at(2, taken_in(), *arrival(OWN))),
    ],
    ids=[
        "twice",
        "as two calls",
        "nobody sent it",
        "sent on by no hand-off",
        "sent on and not ended",
        "taken in and not there",
        "never promised",
    ],
)
def test_redirects_that_do_not_arrive_once_are_told(at_a: Ledger, at_b: Ledger) -> None:
    assert "redirects_arrive_once" in broken([at_a, at_b])


def test_a_caller_who_comes_has_waited_since_the_promise_too() -> None:
    assert broken([redirected_at_a(), came_to_b(waited_before_ms=1_000)]) == {"seniority_is_kept"}
