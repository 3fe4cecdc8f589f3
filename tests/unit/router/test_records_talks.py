"""What rows of consultations and conferences add up to: a call's record, and what a restart goes on with."""

from dataclasses import replace

from router.call import CallState
from router.ids import AgentId, CallId, LegId
from router.ledger import (
    CallConferenced,
    CallHeld,
    CallResumed,
    CallTransferred,
    ConsultationConnected,
    ConsultationEnded,
    Consulted,
    WrapupEnded,
)
from router.records.call import CallRecord
from router.records.fold import RecordFold, fold
from router.records.moment import Moment
from router.recovery import OpenCall, OpenConsultation
from tests.fakes.ledger_book import LedgerBook, arrived, connected, ended, queued

C1 = CallId("c1")
KIM, ANN = AgentId("beijing/1"), AgentId("beijing/2")
ANNS_LEG = LegId("leg-2")
ASKED = Consulted(call_id=C1, agent_id=KIM, leg_id=ANNS_LEG, to_agent=ANN)
ANSWERED = ConsultationConnected(call_id=C1, agent_id=KIM, leg_id=ANNS_LEG, to_agent=ANN)
MERGED = CallConferenced(call_id=C1, agent_id=KIM, leg_id=ANNS_LEG, with_agent=ANN)
TRANSFERRED = CallTransferred(call_id=C1, agent_id=KIM, to_queue=None, to_agent=ANN, to_leg=ANNS_LEG)
HELD = CallHeld(call_id=C1, agent_id=KIM)


def consulting() -> LedgerBook:
    """Kim talks from 5, holds at 20 and speaks with Ann from 25."""
    book = LedgerBook()
    book.write(0, arrived("c1"), queued("c1"))
    book.write(5, connected("c1", "leg-1", 5_000))
    book.write(20, HELD, ASKED)
    book.write(25, ANSWERED)
    return book


def open_call(book: LedgerBook, seconds: float) -> OpenCall:
    state = RecordFold()
    for row in book.rows:
        state.apply(row)
    [row] = book.write(seconds, HELD)
    [call] = state.open_work(Moment.of(row)).calls
    return call


def test_an_open_consultation_is_taken_up_with_whom_and_how_far() -> None:
    call = open_call(consulting(), 30)

    assert call.state is CallState.HELD
    assert (call.agent_id, call.leg_id) == (KIM, "leg-1")
    assert call.consultation == OpenConsultation(leg_id=ANNS_LEG, agent_id=ANN, is_answered=True)


def test_a_conference_is_one_until_the_caller_is_held_or_the_colleague_leaves() -> None:
    book = consulting()
    book.write(40, MERGED)
    merged = open_call(book, 45)

    held = open_call(book, 46)
    book.rows.pop()
    book.write(
        50,
        ConsultationEnded(call_id=C1, agent_id=KIM, leg_id=ANNS_LEG, to_agent=ANN, reason="COLLEAGUE_LEFT"),
    )

    assert merged.state is CallState.CONNECTED
    assert merged.hold_ms == 20_000
    assert merged.consultation is not None
    assert merged.consultation.is_merged
    assert held.consultation is not None
    assert not held.consultation.is_merged
    assert open_call(book, 55).consultation is None


def test_an_attended_transfer_is_one_talk_with_another_agent() -> None:
    book = consulting()
    book.write(40, TRANSFERRED, connected("c1", ANNS_LEG, 5_000, ANN))

    call = open_call(book, 60)

    assert (call.state, call.agent_id, call.leg_id) == (CallState.CONNECTED, ANN, ANNS_LEG)
    assert (call.connected_at, call.hold_ms, call.consultation) == (5_000, 20_000, None)


def test_the_record_counts_the_transfer_and_both_agents_wrap_up() -> None:
    book = consulting()
    book.write(40, TRANSFERRED, connected("c1", ANNS_LEG, 5_000, ANN))
    book.write(45, WrapupEnded(call_id=C1, agent_id=KIM, wrapup_ms=5_000))
    book.write(60, replace(ended("c1", waited_ms=5_000), talk_ms=35_000, hold_ms=20_000))
    book.write(63, WrapupEnded(call_id=C1, agent_id=ANN, wrapup_ms=3_000))

    record = fold(book.rows)[CallRecord, C1]

    assert isinstance(record, CallRecord)
    assert (record.transfer_count, record.agent_id, record.wrapup_ms) == (1, ANN, 8_000)


def test_a_caller_taken_back_leaves_no_consultation_behind() -> None:
    book = consulting()
    cancelled = ConsultationEnded(call_id=C1, agent_id=KIM, leg_id=ANNS_LEG, to_agent=ANN, reason="CANCELLED")
    book.write(30, cancelled, CallResumed(call_id=C1, agent_id=KIM))

    call = open_call(book, 31)

    assert (call.state, call.hold_ms, call.consultation) == (CallState.CONNECTED, 10_000, None)
