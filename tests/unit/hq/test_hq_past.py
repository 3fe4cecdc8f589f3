"""Who was on duty, and what callers were, out of a ledger written by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from hq.planning.ledger_book import BadLedgerError, open_book
from hq.planning.past import Past, read_past
from router.agent import AgentState
from router.call import Disposition
from router.ids import AgentId, CallId, Skill
from router.ledger import AgentLoggedIn, AgentLoggedOut, AgentStateChanged, WrapupEnded
from tests.fakes.ledger_book import (
    SALES,
    LedgerBook,
    arrived,
    connected,
    connected_remote,
    ended,
    offered,
    queued,
)
from tests.fakes.ledger_files import write_branch

DAY = "2026-01-05"


def logged_in(name: str, *skills: str) -> tuple[AgentLoggedIn, AgentStateChanged]:
    agent_id = AgentId(f"beijing/{name}")
    return AgentLoggedIn(agent_id=agent_id, skills=tuple(map(Skill, skills))), state(name, AgentState.READY)


def state(name: str, to: AgentState) -> AgentStateChanged:
    return AgentStateChanged(agent_id=AgentId(f"beijing/{name}"), state=to, reason=None)


def answered(book: LedgerBook, call: str, at: float, *, wrapup_ms: int = 0) -> None:
    """Rings two seconds, talks for a minute."""
    book.write(at, arrived(call), queued(call), offered(call, f"leg-{call}"))
    book.write(at + 2, connected(call, f"leg-{call}", 2000))
    book.write(at + 62, ended(call, waited_ms=2000, talk_ms=60_000, hold_ms=5_000))
    if wrapup_ms:
        wrapup = WrapupEnded(call_id=CallId(call), agent_id=AgentId("beijing/1"), wrapup_ms=wrapup_ms)
        book.write(at + 62 + wrapup_ms / 1000, wrapup)


def past_of(book: LedgerBook, folder: Path) -> Past:
    with open_book(str(write_branch(folder / "branch.db", book.rows))) as opened:
        return read_past(opened, DAY)


def test_an_agent_on_a_break_and_one_who_serves_no_such_queue_are_not_on_duty(tmp_path: Path) -> None:
    book = LedgerBook()
    book.write(900, *logged_in("1", "sales"), *logged_in("2", "sales", "care"), *logged_in("3", "fax"))
    answered(book, "c1", 900)
    book.write(1000, state("2", AgentState.NOT_READY))
    book.write(1200, state("2", AgentState.READY))
    book.write(1500, AgentLoggedOut(agent_id=AgentId("beijing/1")))
    answered(book, "c2", 1600)

    past = past_of(book, tmp_path)

    (site,) = past.scenario.sites
    assert site.agents == 2
    assert site.skills == frozenset({Skill("sales")})
    changes = [(change.from_ms, change.agents) for change in past.scenario.roster]
    assert changes == [(100_000, 1), (300_000, 2), (600_000, 1)]
    assert past.mixed_sites == ()


def test_a_talk_lasts_with_hold_and_wrap_up_and_one_served_away_gets_the_usual_wrap_up(
    tmp_path: Path,
) -> None:
    book = LedgerBook()
    book.write(0, *logged_in("1", "sales"))
    answered(book, "c1", 10, wrapup_ms=20_000)
    book.write(100, arrived("c2"), queued("c2"))
    book.write(104, connected_remote("c2", "h1", 4000))
    book.write(134, ended("c2", waited_ms=4000, talk_ms=30_000))
    book.write(200, arrived("c3"), queued("c3"))
    book.write(230, ended("c3", Disposition.ABANDONED_IN_QUEUE, waited_ms=30_000))

    past = past_of(book, tmp_path)

    home, away, left = past.day.calls
    assert (home.came_ms, home.queue_id, home.handle_ms, home.has_hung_up) == (10_000, SALES, 85_000, False)
    assert away.handle_ms == 30_000 + 20_000
    assert (left.handle_ms, left.has_hung_up, left.waited_ms) == (None, True, 30_000)
    assert past.scenario.ring_ms == 2000


def test_who_was_there_the_evening_before_and_stayed_is_on_duty(tmp_path: Path) -> None:
    book = LedgerBook()
    book.write(-600, *logged_in("1", "sales"))
    book.rows[:] = [replace(row, business_date="2026-01-04") for row in book.rows]
    answered(book, "c1", 30)

    past = past_of(book, tmp_path)

    assert past.scenario.sites[0].agents == 1
    assert past.scenario.roster == ()


def test_a_day_on_which_nobody_was_answered_can_t_be_played(tmp_path: Path) -> None:
    book = LedgerBook()
    book.write(0, *logged_in("1", "sales"))
    book.write(1, arrived("c1"), queued("c1"))
    book.write(9, ended("c1", Disposition.ABANDONED_IN_QUEUE, waited_ms=8000))

    with pytest.raises(BadLedgerError, match="no call of 2026-01-05 was answered"):
        past_of(book, tmp_path)
