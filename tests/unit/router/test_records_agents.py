"""Sessions and state spans of agents, from their rows."""

from collections.abc import Sequence

import pytest

from router.agent import AgentState
from router.ids import AgentId, Instant, Skill
from router.ledger import AgentLoggedIn, AgentLoggedOut, AgentStateChanged
from router.records.agent import AgentStateSpan, SessionRecord
from router.records.fold import RecordFold, fold
from router.records.moment import Moment
from router.recovery import OpenSession
from tests.fakes.ledger_book import LedgerBook, utc_us

AGENT = AgentId("beijing/1")


@pytest.fixture
def book() -> LedgerBook:
    return LedgerBook()


def logged_in(*skills: str) -> AgentLoggedIn:
    return AgentLoggedIn(agent_id=AGENT, skills=tuple(Skill(each) for each in skills))


def state(state: AgentState, reason: str | None = None) -> AgentStateChanged:
    return AgentStateChanged(agent_id=AGENT, state=state, reason=reason)


def spans(book: LedgerBook) -> Sequence[AgentStateSpan]:
    return [each for each in fold(book.rows).values() if isinstance(each, AgentStateSpan)]


def sessions(book: LedgerBook) -> Sequence[SessionRecord]:
    return [each for each in fold(book.rows).values() if isinstance(each, SessionRecord)]


def test_spans_follow_each_other_without_a_gap_from_log_in_to_log_out(book: LedgerBook) -> None:
    book.write(0, logged_in("sales"), state(AgentState.NOT_READY, "LOGGED_IN"))
    book.write(10, state(AgentState.READY))
    book.write(25.5, state(AgentState.LOGGED_OUT), AgentLoggedOut(agent_id=AGENT))

    found = spans(book)

    assert [(each.state, each.from_utc_us, each.to_utc_us, each.duration_ms) for each in found] == [
        (AgentState.NOT_READY, utc_us(0), utc_us(10), 10_000),
        (AgentState.READY, utc_us(10), utc_us(25.5), 15_500),
    ]
    assert [(each.login_utc_us, each.logout_utc_us) for each in sessions(book)] == [(utc_us(0), utc_us(25.5))]


def test_the_span_that_lasts_has_no_end_yet(book: LedgerBook) -> None:
    book.write(0, logged_in("sales"), state(AgentState.READY))

    (span,) = spans(book)

    assert (span.to_utc_us, span.duration_ms) == (None, None)


def test_a_spans_duration_is_monotonic_within_a_run_and_by_the_wall_clock_over_a_restart() -> None:
    book = LedgerBook()
    book.write(100, logged_in("sales"), state(AgentState.READY))
    book.restart(130)
    book.write(160, state(AgentState.NOT_READY, "LUNCH"))
    book.write(170, state(AgentState.READY))

    assert [each.duration_ms for each in spans(book)] == [60_000, 10_000, None]


def test_logging_in_again_replaces_the_skills_of_the_same_session(book: LedgerBook) -> None:
    book.write(0, logged_in("sales"), state(AgentState.NOT_READY, "LOGGED_IN"))
    book.write(5, logged_in("sales", "tech"))

    (session,) = sessions(book)

    assert (session.login_seq, session.skills) == (1, ("sales", "tech"))


def test_a_new_log_in_after_a_log_out_is_another_session(book: LedgerBook) -> None:
    for seconds in (0, 100):
        book.write(seconds, logged_in("sales"))
        book.write(seconds + 10, AgentLoggedOut(agent_id=AGENT))

    assert [each.login_seq for each in sessions(book)] == [1, 3]


def test_a_restart_takes_up_sessions_with_state_reason_and_skills(book: LedgerBook) -> None:
    fold_ = RecordFold()
    book.write(0, logged_in("sales"), state(AgentState.NOT_READY, "LUNCH"))
    book.write(5, logged_in("tech"))
    for row in book.rows:
        fold_.apply(row)
    now = Moment(utc_us=utc_us(9), mono_ms=Instant(0), incarnation=2)

    assert fold_.open_work(now).sessions == (
        OpenSession(
            agent_id=AGENT, skills=frozenset({Skill("tech")}), state=AgentState.NOT_READY, reason="LUNCH"
        ),
    )

    for row in book.write(10, state(AgentState.LOGGED_OUT), AgentLoggedOut(agent_id=AGENT)):
        fold_.apply(row)
    assert fold_.open_work(now).sessions == ()


def test_states_of_an_agent_whose_log_in_was_not_told_change_nothing(book: LedgerBook) -> None:
    book.write(0, state(AgentState.READY), AgentLoggedOut(agent_id=AGENT))

    assert fold(book.rows) == {}
