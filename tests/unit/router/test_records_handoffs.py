"""Each side's record of a hand-off, and what a restarted helper goes on with."""

from dataclasses import replace

import pytest

from router.ids import AgentId, CallId, HandoffId, Instant, LegId, Skill
from router.ledger import (
    Entry,
    HandoffAsked,
    HandoffCancelled,
    HandoffConfirmed,
    HandoffConnected,
    HandoffDialed,
    HandoffEnded,
    HandoffExpired,
    HandoffPromised,
    HandoffRang,
    HandoffRedirected,
    HandoffRefused,
    HandoffReserved,
    HandoffTakenIn,
    NodeStarted,
    Role,
    WrapupEnded,
)
from router.records.fold import RecordFold, fold
from router.records.handoff import NODE_RESTARTED, HandoffRecord
from router.records.handoff_stage import HandoffStage
from router.records.moment import Moment
from router.recovery import OpenHelp, OpenPromise
from tests.fakes.ledger_book import (
    BEIJING,
    BY_SCORE,
    SALES,
    URUMQI,
    LedgerBook,
    arrived,
    connected,
    connected_remote,
    ended,
    offered,
    queued,
    utc_us,
)

CALL = CallId("c1")
HANDOFF = HandoffId("h1")
AGENT = AgentId("beijing/1")
STARTED = NodeStarted(version="0.1.0", readopted_call_count=0)


@pytest.fixture
def book() -> LedgerBook:
    return LedgerBook()


def record(book: LedgerBook, handoff: str = "h1") -> HandoffRecord:
    found = fold(book.rows)[HandoffRecord, handoff]
    assert isinstance(found, HandoffRecord)
    return found


def helps(book: LedgerBook, seconds: float) -> tuple[OpenHelp, ...]:
    state = RecordFold()
    for row in book.rows:
        state.apply(row)
    now = Moment(utc_us=utc_us(seconds), mono_ms=Instant(1_000_000), incarnation=book.incarnation + 1)
    return state.open_work(now).helps


def asked(role: Role = Role.ORIGIN, call: CallId | None = CALL) -> HandoffAsked:
    return HandoffAsked(handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=call, decision=BY_SCORE)


def reserved(role: Role, agent: AgentId | None = None, call: CallId | None = CALL) -> HandoffReserved:
    return HandoffReserved(handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=call, agent_id=agent)


def connected_as(role: Role, agent: AgentId | None = None) -> HandoffConnected:
    return HandoffConnected(handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=CALL, agent_id=agent)


def over(role: Role, talk_ms: int) -> HandoffEnded:
    return HandoffEnded(
        handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=CALL, agent_id=None, talk_ms=talk_ms
    )


def cancelled(role: Role = Role.ORIGIN, reason: str = "LOCAL_AGENT") -> HandoffCancelled:
    return HandoffCancelled(handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=CALL, reason=reason)


def refused() -> HandoffRefused:
    return HandoffRefused(
        handoff_id=HANDOFF, role=Role.ORIGIN, peer=URUMQI, call_id=CALL, reason="NO_IDLE_AGENT"
    )


def help_until_answer(book: LedgerBook) -> None:
    book.write(0, reserved(Role.HELPER, AGENT), offered("c1", "l1", handoff="h1"))
    book.write(1, HandoffRang(handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL))
    book.write(3, connected_as(Role.HELPER, AGENT))


def test_the_origins_record_tells_every_step_and_the_rule_that_led_there(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), asked())
    book.write(0.1, reserved(Role.ORIGIN))
    book.write(0.2, HandoffDialed(handoff_id=HANDOFF, peer=URUMQI, call_id=CALL, decision=None))
    book.write(0.9, HandoffRang(handoff_id=HANDOFF, role=Role.ORIGIN, peer=URUMQI, call_id=CALL))
    book.write(3, connected_as(Role.ORIGIN), connected_remote("c1", "h1", 3_000))
    book.write(63, over(Role.ORIGIN, 60_000))

    assert record(book) == HandoffRecord(
        site_id=BEIJING,
        handoff_id=HANDOFF,
        business_date="2026-01-05",
        role=Role.ORIGIN,
        peer=URUMQI,
        stage=HandoffStage.ENDED,
        call_id=CALL,
        rule="PUSH_BY_SCORE",
        began_utc_us=utc_us(0),
        reserved_utc_us=utc_us(0.1),
        dialed_utc_us=utc_us(0.2),
        rang_utc_us=utc_us(0.9),
        connected_utc_us=utc_us(3),
        ended_utc_us=utc_us(63),
        talk_ms=60_000,
    )


def test_the_helpers_record_names_its_agent_confirmation_talk_and_wrap_up(book: LedgerBook) -> None:
    help_until_answer(book)
    book.write(3.1, HandoffConfirmed(handoff_id=HANDOFF, peer=URUMQI, call_id=CALL))
    book.write(63, over(Role.HELPER, 60_000))
    book.write(70, WrapupEnded(call_id=CALL, agent_id=AGENT, wrapup_ms=7_000))

    found = record(book)

    assert (found.role, found.agent_id, found.queue_id) == (Role.HELPER, AGENT, SALES)
    assert found.confirmed_utc_us == utc_us(3.1)
    assert (found.talk_ms, found.wrapup_ms) == (60_000, 7_000)


def test_a_talk_that_nobody_ended_has_its_reason_in_the_record(book: LedgerBook) -> None:
    help_until_answer(book)
    book.write(63, replace(over(Role.HELPER, 60_000), reason="PBX_DOWN"))

    assert (record(book).stage, record(book).reason) == (HandoffStage.ENDED, "PBX_DOWN")


def test_a_hand_off_by_claim_is_dialled_without_an_ask_of_the_origin(book: LedgerBook) -> None:
    book.write(0, HandoffDialed(handoff_id=HANDOFF, peer=URUMQI, call_id=CALL, decision=BY_SCORE))

    assert (record(book).role, record(book).stage) == (Role.ORIGIN, HandoffStage.DIALED)


def test_a_claim_learns_its_call_when_the_origin_gives_one(book: LedgerBook) -> None:
    book.write(0, asked(Role.HELPER, call=None), reserved(Role.HELPER, AGENT, call=None))
    assert record(book).call_id is None

    book.write(1, offered("c1", "l1", handoff="h1"))
    assert record(book).call_id == CALL


@pytest.mark.parametrize(
    ("ending", "stage", "reason"),
    [
        (refused(), HandoffStage.REFUSED, "NO_IDLE_AGENT"),
        (cancelled(), HandoffStage.CANCELLED, "LOCAL_AGENT"),
        (
            HandoffExpired(handoff_id=HANDOFF, role=Role.ORIGIN, peer=URUMQI, call_id=CALL, stage="ASKING"),
            HandoffStage.EXPIRED,
            "ASKING",
        ),
    ],
)
def test_the_first_ending_stays_whatever_comes_late(
    book: LedgerBook, ending: Entry, stage: HandoffStage, reason: str
) -> None:
    book.write(0, asked())
    book.write(1, ending)
    book.write(2, reserved(Role.ORIGIN), cancelled(reason="TOO_LATE"))

    found = record(book)

    assert (found.stage, found.reason, found.ended_utc_us) == (stage, reason, utc_us(1))


def test_a_connection_is_written_whatever_was_thought_before(book: LedgerBook) -> None:
    book.write(0, asked(), cancelled())
    book.write(2, connected_as(Role.ORIGIN))

    found = record(book)

    assert (found.stage, found.reason, found.ended_utc_us) == (HandoffStage.CONNECTED, None, None)


def test_a_restart_ends_what_its_memory_held_and_keeps_who_talks(book: LedgerBook) -> None:
    book.write(0, asked())
    book.restart(10)
    book.write(10, STARTED)
    assert (record(book).stage, record(book).reason) == (HandoffStage.EXPIRED, NODE_RESTARTED)

    book.write(20, connected_as(Role.HELPER, AGENT))
    book.restart(30)
    book.write(30, STARTED)
    assert record(book).stage is HandoffStage.CONNECTED


def test_what_the_new_run_asks_for_before_it_says_that_it_started_goes_on(book: LedgerBook) -> None:
    book.restart(10)
    book.write(10, asked(), STARTED)

    assert record(book).stage is HandoffStage.ASKED


def test_the_end_of_a_call_ends_the_hand_off_that_carried_it(book: LedgerBook) -> None:
    """A restart that finds the trunk gone writes the call's end alone."""
    book.write(0, arrived("c1"), queued("c1"), asked())
    book.write(3, connected_as(Role.ORIGIN), connected_remote("c1", "h1", 3_000))
    book.write(43, ended("c1", waited_ms=3_000))

    found = record(book)

    assert (found.stage, found.talk_ms) == (HandoffStage.ENDED, 40_000)


def test_the_end_of_a_call_that_came_back_leaves_the_earlier_hand_off_alone(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), asked(), cancelled())
    book.write(5, offered("c1", "l1"), connected("c1", "l1", 5_000), ended("c1"))

    assert record(book).stage is HandoffStage.CANCELLED


# --- what a restarted helper goes on with -----------------------------------------------


def test_a_helper_goes_on_with_the_leg_that_was_answered(book: LedgerBook) -> None:
    help_until_answer(book)

    assert helps(book, 10) == (
        OpenHelp(
            handoff_id=HANDOFF,
            peer=URUMQI,
            call_id=CALL,
            agent_id=AGENT,
            leg_id=LegId("l1"),
            queue_id=SALES,
            connected_at=Instant(1_000_000 - 7_000),
            is_confirmed=False,
        ),
    )


def test_a_confirmed_help_is_known_to_be(book: LedgerBook) -> None:
    help_until_answer(book)
    book.write(4, HandoffConfirmed(handoff_id=HANDOFF, peer=URUMQI, call_id=CALL))

    (help_,) = helps(book, 10)

    assert help_.is_confirmed


def test_neither_a_reservation_nor_an_end_nor_the_origins_side_is_open_help(book: LedgerBook) -> None:
    book.write(0, reserved(Role.HELPER, AGENT), offered("c1", "l1", handoff="h1"))
    assert helps(book, 1) == ()

    book.write(1, connected_as(Role.HELPER, AGENT), over(Role.HELPER, 1_000))
    assert helps(book, 2) == ()

    other = LedgerBook()
    other.write(0, asked(), connected_as(Role.ORIGIN))
    assert helps(other, 1) == ()


# --- a fold that forgets ----------------------------------------------------------------


def test_a_fold_asks_to_be_told_again_of_what_it_forgot_and_of_what_is_new(book: LedgerBook) -> None:
    forgetful = RecordFold(over_limit=0)
    for row in book.write(0, asked(), refused()):
        forgetful.apply(row)
    late = book.write(5, cancelled(), offered("c9", "l9", handoff="h9"))
    wrap_up = book.write(6, WrapupEnded(call_id=CallId("c8"), agent_id=AGENT, wrapup_ms=1))

    recall = forgetful.recall([*late, *wrap_up])

    assert recall.handoffs == {"h1", "h9"}
    assert recall.calls == {"c8"}


def test_a_fold_that_was_told_again_goes_on_as_if_it_had_never_forgotten(book: LedgerBook) -> None:
    forgetful = RecordFold(over_limit=0)
    early = book.write(0, asked(), refused())
    for row in early:
        forgetful.apply(row)
    (late,) = book.write(5, cancelled())
    told = RecordFold()
    for row in early:
        told.apply(row)

    keeping = RecordFold(over_limit=1)
    keeping.adopt(told)

    assert keeping.recall([late]).handoffs == frozenset()
    assert keeping.apply(late) == []
    assert [each.reason for each in RecordFold().apply(late) if isinstance(each, HandoffRecord)] == [
        "LOCAL_AGENT"
    ], "without it the late row would have begun a record of its own"


def test_what_is_known_is_not_replaced_by_what_is_told_again(book: LedgerBook) -> None:
    rows = book.write(0, arrived("c1"), queued("c1"))
    known, told = RecordFold(), RecordFold()
    for row in rows:
        known.apply(row)
        told.apply(row)
    (ring,) = book.write(1, offered("c1", "l1"))
    known.apply(ring)

    known.adopt(told)

    (call,) = known.open_work(Moment.of(ring)).calls
    assert call.leg_id == "l1"


def promised() -> HandoffPromised:
    return HandoffPromised(
        handoff_id=HANDOFF,
        peer=URUMQI,
        call_id=CALL,
        own_call_id=CallId("own"),
        queue_id=SALES,
        skills=(Skill("sales"),),
        priority=3,
        customer_id=None,
        waited_ms=400,
        token_hash="hash",
    )


def expired(stage: str) -> HandoffExpired:
    return HandoffExpired(handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL, stage=stage)


def promises(book: LedgerBook, seconds: float) -> tuple[OpenPromise, ...]:
    state = RecordFold()
    for row in book.rows:
        state.apply(row)
    now = Moment(utc_us=utc_us(seconds), mono_ms=Instant(1_000_000), incarnation=book.incarnation + 1)
    return state.open_work(now).promises


def test_a_promise_outlives_its_reservation_and_a_restart(book: LedgerBook) -> None:
    book.write(1, reserved(Role.HELPER, AGENT), promised())
    book.write(4, expired("RESERVED"))
    book.restart(5)
    book.write(5, STARTED)

    [open_] = promises(book, 11)

    assert record(book).stage is HandoffStage.RESERVED
    assert (open_.handoff_id, open_.peer, open_.own_call_id) == (HANDOFF, URUMQI, "own")
    assert (open_.call.call_id, open_.call.priority, open_.token_hash) == (CALL, 3, "hash")
    assert open_.queued_at == 1_000_000 - 10_400, "its wait at its first site is in it"


@pytest.mark.parametrize(
    ("over", "stage", "reason"),
    [
        (expired("PROMISED"), HandoffStage.EXPIRED, "PROMISED"),
        (cancelled(Role.HELPER, "SILENT"), HandoffStage.CANCELLED, "SILENT"),
        (
            HandoffTakenIn(handoff_id=HANDOFF, peer=URUMQI, call_id=CallId("own"), origin_call_id=CALL),
            HandoffStage.ENDED,
            "REDIRECTED",
        ),
    ],
)
def test_a_promise_is_over_when_somebody_came_or_nobody_will(
    book: LedgerBook, over: Entry, stage: HandoffStage, reason: str
) -> None:
    book.write(1, reserved(Role.HELPER, AGENT), promised())
    book.write(9, over)

    found = record(book)
    assert promises(book, 10) == ()
    assert (found.role, found.stage, found.reason, found.call_id) == (Role.HELPER, stage, reason, CALL)


def test_the_origins_record_of_a_redirect_ends_with_it(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), asked(), reserved(Role.ORIGIN))
    book.write(0.1, HandoffRedirected(handoff_id=HANDOFF, peer=URUMQI, call_id=CALL))

    assert (record(book).role, record(book).stage, record(book).reason) == (
        Role.ORIGIN,
        HandoffStage.ENDED,
        "REDIRECTED",
    )
