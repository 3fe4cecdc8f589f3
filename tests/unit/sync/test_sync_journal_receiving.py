"""Who may resume, and what a branch of another version may send."""

from dataclasses import replace
from typing import Any

import pytest

from sync.journal.position import START, UNMARKED, Mark, Position
from sync.journal.receiving.agreement import agree, fits
from sync.journal.receiving.greeting import check_epoch, resume_at
from sync.journal.refusals import RejectedError
from sync.records.shape import ValueType, text
from sync.records.tables import CONSOLIDATED

CALLS = next(shape for shape in CONSOLIDATED if shape.name == "calls")
AGENTS = next(shape for shape in CONSOLIDATED if shape.name == "agents")


def mark(rev: int, nonce: str = "") -> Mark:
    return Mark(position=Position(0, rev), nonce=(nonce or f"n{rev}").encode(), chain=bytes([rev % 256]) * 32)


GIVEN = (UNMARKED, mark(10), mark(20), mark(30))


@pytest.mark.parametrize("kept", GIVEN)
def test_a_branch_goes_on_from_what_it_kept_even_when_acks_were_lost(kept: Mark) -> None:
    assert resume_at("ledger", kept, GIVEN) == kept


def test_both_start_at_the_beginning() -> None:
    assert resume_at("ledger", UNMARKED, ()).position == START


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(mark(20, "another"), id="a copy that HQ acked something else"),
        pytest.param(mark(15), id="a position HQ never gave"),
        pytest.param(replace(mark(20), nonce=b""), id="a nonce lost"),
    ],
)
def test_a_pair_that_hq_never_gave_is_refused(kept: Mark) -> None:
    with pytest.raises(RejectedError) as caught:
        resume_at("ledger", kept, GIVEN)

    assert caught.value.reason == "RESTORED_OR_CLONED"


def test_an_old_backup_is_refused_once_its_pair_is_forgotten() -> None:
    given = tuple(mark(rev) for rev in range(100, 117))

    with pytest.raises(RejectedError, match="restored from a backup"):
        resume_at("ledger", mark(20), given)


def test_hq_that_went_back_says_so_of_itself() -> None:
    with pytest.raises(RejectedError) as caught:
        resume_at("ledger", mark(40), GIVEN)

    assert caught.value.reason == "HQ_RESTORED"


@pytest.mark.parametrize("theirs", [1, 3])
def test_another_life_of_the_database_is_refused(theirs: int) -> None:
    with pytest.raises(RejectedError) as caught:
        check_epoch(theirs, 2)

    assert caught.value.reason == "RESTORED_OR_CLONED"


def test_a_branch_may_lack_a_column_that_may_be_null() -> None:
    theirs = [field for field in CALLS.fields if field.name != "handoff_id"]

    agreed = agree(CALLS, theirs)

    assert list(agreed.fields) == theirs


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            lambda f: [x for x in f if x.name != "dialled"], "dialled is missing", id="needed column"
        ),
        pytest.param(lambda f: [*f[:-1], text("mood"), f[-1]], "mood is not known", id="newer branch"),
        pytest.param(lambda f: [replace(f[0], type=ValueType.INT), *f[1:]], "INT there", id="type"),
        pytest.param(
            lambda f: [*f[:2], replace(f[2], is_nullable=True), *f[3:]], "null there", id="nullable"
        ),
        pytest.param(lambda f: [f[1], f[0], *f[2:]], "another order", id="order"),
    ],
)
def test_anything_else_is_refused_with_its_reason(change: Any, problem: str) -> None:
    with pytest.raises(RejectedError, match=problem) as caught:
        agree(CALLS, change(list(CALLS.fields)))

    assert caught.value.reason == "SCHEMA"


GOOD = ("beijing", "beijing/1", "A", "[]", "2026-03-02", 7)


def test_rows_of_the_right_types_fit() -> None:
    assert fits(AGENTS, [GOOD] * 3)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param((*GOOD[:2], None, *GOOD[3:]), id="null"),
        pytest.param((*GOOD[:2], 4, *GOOD[3:]), id="number for text"),
        pytest.param((*GOOD[:5], True), id="true for a number"),
        pytest.param((*GOOD[:5], 7.0), id="float for a number"),
        pytest.param(GOOD[:5], id="too short"),
        pytest.param((*GOOD, 1), id="too long"),
    ],
)
def test_one_value_of_another_type_does_not_fit(bad: tuple[Any, ...]) -> None:
    assert not fits(AGENTS, [GOOD, bad, GOOD])
