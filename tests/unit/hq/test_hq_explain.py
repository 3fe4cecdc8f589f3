"""A call's story in plain words: every kind of row, every reason, every decision."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from rich.cells import cell_len

from hq.explain import reasons
from hq.explain.commands import register
from hq.explain.decisions import decision_lines
from hq.explain.sentences import has_sentence, sentence
from hq.explain.story import in_order
from node import words
from router.agent import RingFailure
from router.call import Disposition
from router.callback.outcome import CallbackOutcome
from router.ids import FOREVER_MS, AgentId, CallId, HandoffId, SiteId
from router.ledger import (
    KINDS,
    CallbackTried,
    Decision,
    HandoffAsked,
    HandoffCancelled,
    HandoffConnected,
    HandoffEnded,
    HandoffPromised,
    HandoffRedirected,
    HandoffRefused,
    HandoffReserved,
    HandoffTakenIn,
    LedgerRow,
    OutboundBegan,
    Role,
)
from router.outbound.outcome import OutboundOutcome
from router.overflow.messages import Refusal
from tests.fakes.command_line import CommandLine
from tests.fakes.ledger_book import (
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
from tests.fakes.ledger_files import write_branch, write_hq

BEIJING, HARBIN = SiteId("beijing"), SiteId("harbin")
PUSHED = Decision(
    rule="PUSH_BY_SCORE",
    view_age_ms=400,
    candidates=((URUMQI, 7, 0.0), (HARBIN, 3, 5.0)),
    seen=((1200, 2), (90_000, 1)),
    candidate_count=3,
    home_wait_ms=42_000,
)
C1, H1 = CallId("c1"), HandoffId("h1")


def asked(role: Role = Role.ORIGIN, decision: Decision = PUSHED) -> HandoffAsked:
    return HandoffAsked(handoff_id=H1, role=role, peer=URUMQI, call_id=C1, decision=decision)


def overflowed() -> tuple[list[LedgerRow], list[LedgerRow]]:
    """A call of beijing that urumqi serves: both sites' rows, and those of another call."""
    home = LedgerBook()
    home.write(0, arrived("c1"), queued("c1"), arrived("other"), queued("other"))
    home.write(0.5, asked())
    home.write(5, connected_remote("c1", "h1", 5000))
    home.write(
        65, ended("c1", waited_ms=5000, talk_ms=60_000), ended("other", Disposition.ABANDONED_IN_QUEUE)
    )
    there = LedgerBook(URUMQI)
    agent = AgentId("urumqi/7")
    there.write(
        0.7, HandoffReserved(handoff_id=H1, role=Role.HELPER, peer=BEIJING, call_id=C1, agent_id=agent)
    )
    there.write(3, offered("c1", "l1", "urumqi/7", "h1"))
    there.write(
        4.9, HandoffConnected(handoff_id=H1, role=Role.HELPER, peer=BEIJING, call_id=C1, agent_id=agent)
    )
    return home.rows, there.rows


def another_command(root: typer.Typer) -> None:
    """A group of one command would be that command."""
    root.command("other")(lambda: None)


@pytest.fixture
def explain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    line = CommandLine([register, another_command], monkeypatch, capsys)
    return lambda *arguments: line("explain", *arguments)


def test_every_kind_of_row_about_a_call_or_a_hand_off_has_a_sentence() -> None:
    about_calls = {
        cls for cls in KINDS.values() if {field.name for field in fields(cls)} & {"call_id", "handoff_id"}
    }

    assert {cls.kind for cls in about_calls if not has_sentence(cls)} == set()


@pytest.mark.parametrize(
    ("values", "table"),
    [
        (RingFailure, reasons.RING_FAILURES),
        (Disposition, reasons.ENDINGS),
        (OutboundOutcome, reasons.OUTCOMES),
        (CallbackOutcome, reasons.OUTCOMES),
        (set(Refusal) - {Refusal.NOT_ALLOWED, Refusal.NO_LINE, Refusal.LIMIT}, reasons.REASONS),
    ],
)
def test_every_reason_is_told_in_words(values: Any, table: dict[str, str]) -> None:
    """Three refusals are about lines alone: their calls' outcomes tell them."""
    assert {str(value) for value in values if str(value) not in table} == set()


def test_a_reason_that_nobody_knew_is_shown_as_it_was_written() -> None:
    refused = HandoffRefused(handoff_id=H1, role=Role.ORIGIN, peer=URUMQI, call_id=C1, reason="MOON_FULL")

    assert sentence(refused) == "urumqi does not take it: MOON_FULL. The call keeps its place."


def test_a_ring_that_failed_elsewhere_is_told_like_one_at_home() -> None:
    reason = RingFailure.NO_ANSWER
    taken_back = HandoffCancelled(handoff_id=H1, role=Role.HELPER, peer=BEIJING, call_id=C1, reason=reason)

    assert sentence(taken_back) == "The hand-off from beijing is taken back: nobody answered."


@pytest.mark.parametrize(
    ("role", "told"),
    [
        (Role.ORIGIN, "The talk over the trunk to urumqi ends after 3.0 s."),
        (Role.HELPER, "urumqi/7 talked 3.0 s with the caller of urumqi."),
    ],
)
def test_a_talk_that_nobody_ended_is_told_with_what_ended_it(role: Role, told: str) -> None:
    ended = HandoffEnded(
        handoff_id=H1, role=role, peer=URUMQI, call_id=C1, agent_id=AgentId("urumqi/7"), talk_ms=3_000
    )

    assert sentence(ended) == told
    assert sentence(replace(ended, reason="PBX_DOWN")) == f"{told} Nobody hung up: the PBX was gone."


def test_a_decision_tells_candidates_with_scores_ages_and_what_they_showed() -> None:
    lines = decision_lines(PUSHED, URUMQI)

    assert lines[0].startswith("Why: of the sites that show idle agents, the one with the cheapest link")
    assert lines[1] == (
        "Known: the view of the load board was 0.4 s old;"
        " those who wait at home were expected to save 42.0 s, all together."
    )
    assert lines[2] == "→ urumqi: score 0.0 s, 2 agents idle (record 7, 1.2 s old)"
    assert lines[3] == "  harbin: score 5.0 s, 1 agent idle (record 3, 90.0 s old)"
    assert lines[4] == "  and 1 more site"


def test_a_decision_from_before_ages_were_kept_tells_what_it_has() -> None:
    old = replace(PUSHED, seen=None, candidate_count=None, home_wait_ms=None)

    assert decision_lines(old, URUMQI)[1:] == [
        "Known: the view of the load board was 0.4 s old.",
        "→ urumqi: score 0.0 s (record 7)",
        "  harbin: score 5.0 s (record 3)",
    ]


def test_a_blind_decision_says_that_nothing_was_seen() -> None:
    blind = Decision(rule="PUSH_BLIND", view_age_ms=None, candidates=(), home_wait_ms=FOREVER_MS)

    why, known = decision_lines(blind, URUMQI)
    assert why == "Why: the load board can't be seen: the next configured peer in turn."
    assert known.startswith("Known: the load board had never been seen; nobody works at home for it")


def test_a_stepped_clock_does_not_turn_a_sites_own_rows_around() -> None:
    home, there = overflowed()
    home[3] = replace(home[3], at_utc_us=utc_us(-3600))

    told = in_order([*there, *home])

    assert [row.seq for row in told if row.site_id == BEIJING] == [row.seq for row in home]
    assert [row.seq for row in told if row.site_id == URUMQI] == [row.seq for row in there]


def test_hq_tells_the_story_of_both_sites_in_the_order_of_time(explain: Any, tmp_path: Path) -> None:
    home, there = overflowed()
    file = write_hq(tmp_path / "总部 hq.db", [*home, *there])

    shown = explain("C1", "--from-ledger", file)

    lines = [line for line in shown.out.splitlines() if "│" in line]
    sites = [line.split("│")[3].strip() for line in lines]
    assert shown.code == 0, shown.err
    assert [site for site in sites if site] == [
        *("beijing", "beijing", "beijing", "urumqi", "urumqi", "urumqi", "beijing", "beijing")
    ]
    assert "08:00:00.500" in shown.out, "the origin's own wall clock, Asia/Shanghai"
    assert "times: Asia/Shanghai, UTC+08:00" in shown.out
    assert "→ urumqi: score 0.0 s, 2 agents idle (record 7, 1.2 s old)" in shown.out
    assert "Served away from home, by urumqi/7." in shown.out
    assert "other" not in shown.out


def test_a_branch_tells_its_side_and_whose_rows_are_missing(explain: Any, tmp_path: Path) -> None:
    home, there = overflowed()
    file = write_branch(tmp_path / "branch.db", home)

    alone = explain("c1", "--from-ledger", file)
    assert "times: this machine's clock, UTC" in alone.out, "a branch's database knows no zone"
    both = explain("c1", "--from-ledger", file, "--from-ledger", write_branch(tmp_path / "urumqi.db", there))

    assert "No rows of urumqi are here" in alone.out
    assert "No rows of" not in both.out
    assert "urumqi/7 answers the caller of beijing." in both.out


def test_a_claim_names_no_call_and_is_told_all_the_same(explain: Any, tmp_path: Path) -> None:
    """A helper asks for whoever waits: only the hand-off's id ties the row to the call."""
    home, _there = overflowed()
    claim = LedgerBook(URUMQI)
    pulled = Decision(
        rule="PULL_LONGEST_WAIT", view_age_ms=90, candidates=((BEIJING, 4, 12.5),), seen=((30, 2),)
    )
    claim.write(
        0.4, HandoffAsked(handoff_id=H1, role=Role.HELPER, peer=BEIJING, call_id=None, decision=pulled)
    )

    shown = explain("c1", "--from-ledger", write_hq(tmp_path / "hq.db", [*home, *claim.rows]))

    assert "An agent is idle here: beijing is asked for a caller." in shown.out
    assert "→ beijing: score 12.5 s, 2 callers waiting (record 4, 0.0 s old)" in shown.out
    assert "No rows of" not in shown.out


def test_a_push_past_records_that_lag_says_so(explain: Any, tmp_path: Path) -> None:
    book = LedgerBook()
    unshown = Decision(
        rule="PUSH_UNSHOWN", view_age_ms=90, candidates=((URUMQI, 4, 0.0),), seen=((42_000, 0),)
    )
    book.write(0, arrived("c1"), queued("c1"))
    book.write(0.4, HandoffAsked(handoff_id=H1, role=Role.ORIGIN, peer=URUMQI, call_id=C1, decision=unshown))

    shown = explain("c1", "--from-ledger", write_branch(tmp_path / "branch.db", book.rows))

    assert "records were found to lag behind" in " ".join(shown.out.split())
    assert "→ urumqi: score 0.0 s, 0 agents idle (record 4, 42.0 s old)" in shown.out


def test_programs_get_rows_sentences_and_decisions(explain: Any, tmp_path: Path) -> None:
    home, there = overflowed()

    told = explain("c1", "--from-ledger", write_hq(tmp_path / "hq.db", [*home, *there]), "--json").json

    (decided,) = (row for row in told["rows"] if "decision" in row)
    assert told["origin"] == "beijing"
    assert (decided["kind"], decided["site"], decided["after_ms"]) == ("HANDOFF_ASKED", "beijing", 500)
    assert decided["decision"]["home_wait_ms"] == 42_000
    assert decided["decision"]["candidates"][1] == {
        "site": "harbin",
        "record_version": 3,
        "score_s": 5.0,
        "record_age_ms": 90_000,
        "shown": 1,
    }


def test_the_story_of_a_callback_holds_the_call_that_went_out_for_it(explain: Any, tmp_path: Path) -> None:
    book = LedgerBook()
    book.write(0, arrived("c1"), queued("c1"), ended("c1", Disposition.CALLBACK))
    book.write(
        60,
        OutboundBegan(
            call_id=CallId("o1"), agent_id=AgentId("beijing/1"), queue_id=SALES, callback_of=CallId("c1")
        ),
        CallbackTried(call_id=C1, outbound_id=CallId("o1"), outcome=OutboundOutcome.BUSY, is_counted=True),
    )
    file = write_branch(tmp_path / "branch.db", book.rows)

    of_call, of_outbound = explain("c1", "--from-ledger", file), explain("o1", "--from-ledger", file)

    assert "to call back the caller of c1" in of_call.out
    assert "A try to call back is over: the customer's line was busy." in of_call.out
    assert "The caller asks for a person" in of_outbound.out


def test_what_is_wrong_is_told_with_what_to_do(explain: Any, tmp_path: Path) -> None:
    home, _there = overflowed()
    file, empty = write_branch(tmp_path / "branch.db", home), tmp_path / "empty.db"
    empty.touch()

    unknown = explain("c9", "--from-ledger", file)
    absent = explain("c1", "--from-ledger", tmp_path / "nothing.db")
    foreign = explain("c1", "--from-ledger", empty)
    elsewhere = explain("c1", "--from-ledger", "mysql://root:secret@db/x")

    assert [done.code for done in (unknown, absent, foreign, elsewhere)] == [2, 2, 2, 2]
    assert "holds calls of 2026-01-05 to 2026-01-05; check the id" in unknown.err
    assert "there is no database" in absent.err
    assert not (tmp_path / "nothing.db").exists()
    assert "keeps no ledger" in foreign.err
    assert "neither PostgreSQL's nor a SQLite file's" in elsewhere.err
    assert "secret" not in elsewhere.err


def test_a_database_that_nobody_may_write_is_read_all_the_same(explain: Any, tmp_path: Path) -> None:
    home, _there = overflowed()
    file = write_branch(tmp_path / "branch.db", home)
    file.chmod(0o400)
    before = file.read_bytes()

    assert explain("c1", "--from-ledger", file).code == 0
    assert file.read_bytes() == before


def test_chinese_readers_get_chinese_and_a_table_that_stands_straight(explain: Any, tmp_path: Path) -> None:
    home, there = overflowed()
    home += LedgerBook(first_seq=20).write(70, offered("c1", "l2"), connected("c1", "l2", 5000))
    file = write_hq(tmp_path / "hq.db", [*home, *there])

    shown = explain("c1", "--from-ledger", file, "--lang", "zh-CN")

    rows = [line for line in shown.out.splitlines() if line[:1] in "│┃├└┏┡"]
    assert "本站无空闲座席：请求 urumqi 预留一名座席。" in shown.out
    assert "→ urumqi:" in shown.out or "→ urumqi：" in shown.out
    assert len({cell_len(line) for line in rows}) == 1, "all rows end in one column"
    assert words.language() == "en"


def redirected() -> tuple[list[LedgerRow], list[LedgerRow]]:
    """A call of beijing that becomes one of urumqi's own: both sites' rows."""
    home, there, own = LedgerBook(), LedgerBook(URUMQI), CallId("own")
    home.write(0, arrived("c1"), queued("c1"), asked())
    home.write(0.2, HandoffRedirected(handoff_id=H1, peer=URUMQI, call_id=C1))
    home.write(0.2, ended("c1", Disposition.REDIRECTED, waited_ms=200))
    promise = HandoffPromised(
        handoff_id=H1,
        peer=BEIJING,
        call_id=C1,
        own_call_id=own,
        queue_id=SALES,
        skills=(),
        priority=0,
        customer_id=None,
        waited_ms=100,
        token_hash="",
    )
    there.write(0.1, promise)
    there.write(3, HandoffTakenIn(handoff_id=H1, peer=BEIJING, call_id=own, origin_call_id=C1))
    there.write(3, arrived("own"), replace(queued("own"), waited_before_ms=3_000))
    there.write(9, connected("own", "l1", 9_000, "urumqi/7"))
    return home.rows, there.rows


@pytest.mark.parametrize("call", ["c1", "own"])
def test_a_redirected_call_has_one_story_by_either_of_its_ids(
    explain: Any, tmp_path: Path, call: str
) -> None:
    home, there = redirected()

    shown = explain(call, "--from-ledger", write_hq(tmp_path / "hq.db", [*home, *there]))

    said = " ".join(shown.out.replace("│", " ").split())
    assert shown.code == 0, shown.err
    for sentence_ in (
        "The call ends: it was sent on",
        "The caller whom beijing has sent on is here",
        "The wait goes on, with 3.0 s so far.",
        "The caller talks with urumqi/7, after 9.0 s.",
    ):
        assert sentence_ in said
    assert "No rows of" not in said
