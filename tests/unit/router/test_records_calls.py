"""A call's record and a restart's view of it, from the rows that its origin wrote."""

from dataclasses import replace

import pytest

from router.agent import RingFailure
from router.call import CallState, Disposition
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId
from router.ledger import (
    CallbackRequested,
    CallHeld,
    CallResumed,
    CallTransferred,
    Entry,
    HandoffCancelled,
    HandoffDialed,
    HandoffRang,
    RingFailed,
    Role,
    VoicemailLeft,
    WrapupEnded,
)
from router.records.call import CallRecord
from router.records.fold import RecordFold, fold
from router.records.left import CallbackRecord, VoicemailRecord
from router.records.moment import Moment
from router.recovery import OpenCall
from tests.fakes.ledger_book import (
    BEIJING,
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

AGENT = AgentId("beijing/1")
OTHER = AgentId("beijing/2")


@pytest.fixture
def book() -> LedgerBook:
    return LedgerBook()


def record(book: LedgerBook, call: str = "c1") -> CallRecord:
    found = fold(book.rows)[CallRecord, call]
    assert isinstance(found, CallRecord)
    return found


def open_call(book: LedgerBook, seconds: float) -> OpenCall:
    """The one open call, as a process sees it that started when its clock stood at 1,000 s."""
    state = RecordFold()
    for row in book.rows:
        state.apply(row)
    now = Moment(utc_us=utc_us(seconds), mono_ms=Instant(1_000_000), incarnation=book.incarnation + 1)
    (call,) = state.open_work(now).calls
    return call


def failed_ring(call: str, leg: str, reason: RingFailure, agent: AgentId = AGENT) -> RingFailed:
    return RingFailed(call_id=CallId(call), leg_id=LegId(leg), agent_id=agent, queue_id=SALES, reason=reason)


def test_an_answered_call_has_its_moments_durations_and_who_served_it(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1", priority=3), offered("c1", "l1"))
    book.write(4.5, connected("c1", "l1", 4_500))
    book.write(64.5, ended("c1", waited_ms=4_500, talk_ms=50_000, hold_ms=10_000))

    assert record(book) == CallRecord(
        site_id=BEIJING,
        call_id=CallId("c1"),
        business_date="2026-01-05",
        dialled="95588",
        customer_id=None,
        queue_id=SALES,
        priority=3,
        skills=queued("c1").skills,
        arrived_utc_us=utc_us(0),
        queued_utc_us=utc_us(0),
        answered_utc_us=utc_us(4.5),
        ended_utc_us=utc_us(64.5),
        disposition=Disposition.ANSWERED,
        served_by=BEIJING,
        agent_id=AGENT,
        waited_ms=4_500,
        talk_ms=50_000,
        hold_ms=10_000,
        offer_count=1,
    )


def test_an_abandoned_call_was_never_answered(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"))
    book.write(3, ended("c1", Disposition.ABANDONED_IN_QUEUE, waited_ms=3_000, is_short=True))

    found = record(book)

    assert (found.answered_utc_us, found.served_by, found.agent_id) == (None, None, None)
    assert (found.waited_ms, found.is_short) == (3_000, True)


def test_only_rings_that_failed_by_agent_or_phone_are_counted_as_failures(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"))
    book.write(15, failed_ring("c1", "l1", RingFailure.NO_ANSWER), offered("c1", "l2", "beijing/2"))
    book.write(16, failed_ring("c1", "l2", RingFailure.STOPPED, OTHER))

    assert (record(book).offer_count, record(book).ring_failure_count) == (2, 1)


def test_wrap_up_after_the_end_is_added_to_the_call_of_each_agent(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"), connected("c1", "l1", 0))
    book.write(20, CallTransferred(call_id=CallId("c1"), agent_id=AGENT, to_queue=None, to_agent=OTHER))
    book.write(21, offered("c1", "l2", "beijing/2"), connected("c1", "l2", 0, "beijing/2"))
    book.write(25, WrapupEnded(call_id=CallId("c1"), agent_id=AGENT, wrapup_ms=5_000))
    book.write(30, ended("c1"))
    book.write(42, WrapupEnded(call_id=CallId("c1"), agent_id=OTHER, wrapup_ms=12_000))

    found = record(book)

    assert (found.wrapup_ms, found.transfer_count, found.agent_id) == (17_000, 1, OTHER)


def test_the_wait_is_the_first_answers_and_the_place_in_the_queue_the_first_requests(
    book: LedgerBook,
) -> None:
    book.write(0, arrived("c1"))
    book.write(2, queued("c1"))
    book.write(9, connected("c1", "l1", 7_000))
    book.write(
        20,
        CallTransferred(call_id=CallId("c1"), agent_id=AGENT, to_queue=QueueId("tech"), to_agent=None),
        queued("c1", QueueId("tech")),
    )
    book.write(50, connected("c1", "l2", 48_000, "beijing/2"))

    found = record(book)

    assert (found.waited_ms, found.queued_utc_us, found.answered_utc_us) == (7_000, utc_us(2), utc_us(9))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            CallbackRequested(call_id=CallId("c1"), queue_id=SALES),
            CallbackRecord(
                site_id=BEIJING,
                call_id=CallId("c1"),
                business_date="2026-01-05",
                queue_id=SALES,
                requested_utc_us=utc_us(8),
            ),
        ),
        (
            VoicemailLeft(call_id=CallId("c1"), queue_id=SALES),
            VoicemailRecord(
                site_id=BEIJING,
                call_id=CallId("c1"),
                business_date="2026-01-05",
                queue_id=SALES,
                left_utc_us=utc_us(8),
            ),
        ),
    ],
)
def test_what_a_caller_leaves_behind_is_a_record_of_its_own(
    book: LedgerBook, entry: Entry, expected: object
) -> None:
    book.write(0, arrived("c1"), queued("c1"))
    book.write(8, entry)

    assert fold(book.rows)[type(expected), "c1"] == expected  # type: ignore[index]  # one of the records
    assert open_call(book, 9).state is CallState.ENDING


def test_rows_of_a_helper_make_no_record_of_the_call_it_helps_with(book: LedgerBook) -> None:
    book.write(0, offered("c9", "l1", handoff="h1"))
    book.write(60, WrapupEnded(call_id=CallId("c9"), agent_id=AGENT, wrapup_ms=1_000))

    assert fold(book.rows) == {}


# --- what a restart goes on with --------------------------------------------------------


def test_a_waiting_call_keeps_its_enqueue_time_over_a_restart(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1", priority=9))

    call = open_call(book, 12)

    assert call.queued_at == 1_000_000 - 12_000
    assert (call.state, call.priority, call.skills) == (CallState.QUEUED, 9, frozenset({"sales"}))


def test_a_restart_at_once_after_boot_gives_times_before_the_clock_began(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"))

    assert open_call(book, 5_000).queued_at == 1_000_000 - 5_000_000


def test_a_wall_clock_set_back_meanwhile_makes_no_wait_negative(book: LedgerBook) -> None:
    book.write(100, arrived("c1"), queued("c1"))

    assert open_call(book, 40).queued_at == 1_000_000


def test_a_ringing_call_names_the_leg_that_still_rings(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"), offered("c1", "l2", "beijing/2"))
    book.write(1, failed_ring("c1", "l2", RingFailure.REJECTED, OTHER))

    call = open_call(book, 2)

    assert (call.state, call.leg_id, call.agent_id) == (CallState.OFFERED, LegId("l1"), AGENT)


def test_a_call_whose_last_ring_failed_waits_again_beside_nobody(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"))
    book.write(15, failed_ring("c1", "l1", RingFailure.NO_ANSWER))

    call = open_call(book, 16)

    assert (call.state, call.leg_id, call.agent_id) == (CallState.QUEUED, None, None)


def test_a_held_call_has_the_hold_so_far(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"), connected("c1", "l1", 0))
    book.write(10, CallHeld(call_id=CallId("c1"), agent_id=AGENT))
    book.write(14, CallResumed(call_id=CallId("c1"), agent_id=AGENT))
    book.write(20, CallHeld(call_id=CallId("c1"), agent_id=AGENT))

    call = open_call(book, 23)

    assert (call.state, call.hold_ms) == (CallState.HELD, 4_000 + 3_000)
    assert call.connected_at == 1_000_000 - 23_000


def test_a_call_at_a_helper_names_hand_off_and_helper_until_that_fails(book: LedgerBook) -> None:
    dialed = HandoffDialed(handoff_id=HandoffId("h1"), peer=URUMQI, call_id=CallId("c1"), decision=None)
    rang = HandoffRang(handoff_id=HandoffId("h1"), role=Role.ORIGIN, peer=URUMQI, call_id=CallId("c1"))
    book.write(0, arrived("c1"), queued("c1"), dialed)
    assert (open_call(book, 1).state, open_call(book, 1).handoff_id) == (CallState.QUEUED, HandoffId("h1"))

    book.write(1, rang)
    ringing = open_call(book, 2)
    assert (ringing.state, ringing.served_by) == (CallState.OFFERED_REMOTE, URUMQI)

    book.write(
        2,
        HandoffCancelled(
            handoff_id=HandoffId("h1"), role=Role.ORIGIN, peer=URUMQI, call_id=CallId("c1"), reason="RONA"
        ),
    )
    back = open_call(book, 3)
    assert (back.state, back.handoff_id, back.served_by) == (CallState.QUEUED, None, None)


def test_a_call_that_talks_to_a_helper_says_so(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"))
    book.write(3, connected_remote("c1", "h1", 3_000))

    call = open_call(book, 10)

    assert (call.state, call.handoff_id, call.served_by) == (
        CallState.CONNECTED_REMOTE,
        HandoffId("h1"),
        URUMQI,
    )
    assert (call.waited_ms, call.connected_at) == (3_000, 1_000_000 - 7_000)


def test_a_transferred_call_waits_for_the_new_queue_and_was_answered_before(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), offered("c1", "l1"), connected("c1", "l1", 0))
    book.write(
        9, CallTransferred(call_id=CallId("c1"), agent_id=AGENT, to_queue=QueueId("tech"), to_agent=None)
    )

    call = open_call(book, 10)

    assert (call.state, call.queue_id, call.agent_id) == (CallState.QUEUED, QueueId("tech"), None)
    assert call.connected_at is not None
    assert call.skills == frozenset(), "the skills of the queue it left are not asked for any more"


def test_an_ended_call_is_not_open(book: LedgerBook) -> None:
    book.write(0, arrived("c1"), queued("c1"), ended("c1", Disposition.ABANDONED_IN_QUEUE))

    state = RecordFold()
    for row in book.rows:
        state.apply(row)

    assert state.open_work(Moment.of(book.rows[-1])).calls == ()


def test_the_wait_of_a_caller_whom_another_site_sent_began_there(book: LedgerBook) -> None:
    book.write(5, arrived("c1"), replace(queued("c1"), waited_before_ms=2_000))

    record = fold(book.rows)[CallRecord, "c1"]

    assert isinstance(record, CallRecord)
    assert (record.arrived_utc_us, record.queued_utc_us) == (utc_us(5), utc_us(3))
