"""One suite for the journal on both databases a branch may have."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text

from sync.journal.batch import unpack
from sync.journal.capture.keeping import bury
from sync.journal.database import writing
from sync.journal.position import START, Mark, Position
from sync.journal.tables import Removal
from sync.records.tables import LEDGER
from tests.journals import DAY, Branch, ledger_rows, open_branch


@pytest.fixture(params=["sqlite", "postgres"])
def branch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Branch]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'a branch 分店.db'}"
    else:
        url = request.getfixturevalue("postgres_url")
    branch = open_branch(url)
    yield branch
    branch.engine.dispose()


def seqs_after(branch: Branch, lo: Position, *, row_limit: int = 1_000) -> tuple[list[int], Position]:
    """All that can be read above `lo`, page by page."""
    found: list[int] = []
    while page := branch.reader.page(
        "ledger", lo, branch.reader.end(), row_limit=row_limit, byte_limit=2_000_000
    ):
        rows, _ = unpack(page.payload)
        found += [row[1] for row in rows]
        lo = page.hi
    return found, lo


def test_pages_hold_every_row_once_in_the_order_of_commits(branch: Branch) -> None:
    branch.write("ledger", ledger_rows(1, 250))
    branch.write("ledger", ledger_rows(251, 50))

    seqs, _ = seqs_after(branch, START, row_limit=70)

    assert seqs == list(range(1, 301))


def test_a_page_ends_by_bytes_before_it_ends_by_rows(branch: Branch) -> None:
    branch.write("ledger", ledger_rows(1, 100))

    page = branch.reader.page("ledger", START, branch.reader.end(), row_limit=1_000, byte_limit=2_000)

    assert page is not None
    assert 0 < page.payload.row_count < 100
    assert not page.is_last


def test_a_row_larger_than_a_page_still_travels(branch: Branch) -> None:
    branch.write("ledger", ledger_rows(1, 1))

    page = branch.reader.page("ledger", START, branch.reader.end(), row_limit=10, byte_limit=1)

    assert page is not None
    assert page.payload.row_count == 1
    assert page.is_last


def test_a_changed_row_comes_again_and_an_unchanged_one_does_not(branch: Branch) -> None:
    branch.write("agents", [agent("beijing/1"), agent("beijing/2")])
    end = branch.reader.end()

    branch.change("agents", {"agent_id": "beijing/1"}, {"name": "欧阳"})

    page = branch.reader.page("agents", end, branch.reader.end(), row_limit=10, byte_limit=2_000_000)
    assert page is not None
    rows, _ = unpack(page.payload)
    assert [(row[1], row[2]) for row in rows] == [("beijing/1", "欧阳")]


def test_a_removed_row_leaves_a_tombstone_that_says_why(branch: Branch) -> None:
    branch.write("callers", [{"call_id": "c1", "number": "+8610", "dialled": "100", "business_date": DAY}])

    with writing(branch.engine) as connection:
        connection.execute(text("DELETE FROM callers"))
        bury(connection, "beijing", "callers", [(("beijing", "c1"), DAY)], Removal.ERASED)

    page = branch.reader.page("callers", START, branch.reader.end(), row_limit=10, byte_limit=2_000_000)
    assert page is not None
    rows, tombstones = unpack(page.payload)
    assert rows == []
    assert [(each.row_key, each.removal, each.business_date) for each in tombstones] == [
        ('["beijing","c1"]', "ERASED", DAY)
    ]


def test_rows_and_tombstones_of_one_stream_are_paged_together(branch: Branch) -> None:
    for number in range(6):
        branch.write("agents", [agent(f"beijing/{number}")])
        with writing(branch.engine) as connection:
            bury(connection, "beijing", "agents", [(("beijing", f"x{number}"), DAY)], Removal.DELETED)

    seen: list[str] = []
    lo = START
    while page := branch.reader.page("agents", lo, branch.reader.end(), row_limit=5, byte_limit=2_000_000):
        rows, tombstones = unpack(page.payload)
        seen += [row[1] for row in rows] + [each.row_key for each in tombstones]
        lo = page.hi

    assert sorted(seen) == sorted(
        [f"beijing/{n}" for n in range(6)] + [f'["beijing","x{n}"]' for n in range(6)]
    )


def test_a_days_digest_is_alike_whatever_the_order_of_writing(branch: Branch, tmp_path: Path) -> None:
    other = open_branch(f"sqlite:///{tmp_path / 'other.db'}")
    branch.write("ledger", ledger_rows(1, 40))
    for row in reversed(ledger_rows(1, 40)):
        other.write("ledger", [row])

    ours, theirs = branch.reader.day(DAY), other.reader.day(DAY)

    other.engine.dispose()
    assert ours.streams == theirs.streams
    assert ours.streams["ledger"].row_count == 40
    assert ours.is_settled


def test_a_buckets_parts_hold_its_rows_and_no_others(branch: Branch) -> None:
    branch.write("ledger", ledger_rows(1, 200))
    digest = branch.reader.day(DAY).streams["ledger"]

    counts = []
    for bucket in range(16):
        parts = branch.reader.bucket("ledger", DAY, bucket, part_rows=5)
        counts.append(sum(part.row_count for part in parts))

    assert counts == [bucket.row_count for bucket in digest.buckets]
    assert sum(counts) == 200


def test_what_hq_confirmed_is_kept_until_a_new_epoch_begins(branch: Branch) -> None:
    mark = Mark(position=Position(7, 9), nonce=b"n" * 16, chain=b"c" * 32)
    branch.keeper.keep("ledger", 1, mark)
    before = branch.keeper.marks()

    branch.keeper.begin_epoch(2, 0)

    assert before == {"ledger": mark}
    assert branch.keeper.marks() == {}
    assert branch.keeper.open(0) == 2


def test_a_reader_of_sequence_numbers_loses_a_row_and_the_journal_does_not(postgres_url: str) -> None:
    """The late commit: rev 1 is drawn first and becomes visible last."""
    branch = open_branch(postgres_url)

    with branch.engine.connect() as slow, slow.begin():
        branch.write_in(slow, "ledger", ledger_rows(1, 1))
        branch.write("ledger", ledger_rows(2, 1))
        naive_seqs, naive_mark = _naive(branch, 0)
        seqs, mark = seqs_after(branch, START)
    naive_later, _ = _naive(branch, naive_mark)
    later, _ = seqs_after(branch, mark)

    branch.engine.dispose()
    assert naive_seqs + naive_later == [2], "the naive reader has gone past row 1"
    assert seqs == [], "nothing may be read past a transaction that still runs"
    assert later == [1, 2]


def _naive(branch: Branch, last_rev: int) -> tuple[list[int], int]:
    with branch.engine.connect() as connection:
        found = select(LEDGER.c.seq, LEDGER.c.rev).where(LEDGER.c.rev > last_rev).order_by(LEDGER.c.rev)
        rows = connection.execute(found).all()
    return [row.seq for row in rows], max((row.rev for row in rows), default=last_rev)


def test_a_day_is_not_settled_while_one_of_its_rows_may_not_be_read(postgres_url: str) -> None:
    branch = open_branch(postgres_url)

    with branch.engine.connect() as slow, slow.begin():
        slow.execute(text("SELECT pg_current_xact_id()"))
        branch.write("ledger", ledger_rows(1, 1))
        during = branch.reader.day(DAY)
    after = branch.reader.day(DAY)

    branch.engine.dispose()
    assert (during.is_settled, after.is_settled) == (False, True)


def test_another_server_begins_another_epoch(postgres_url: str) -> None:
    branch = open_branch(postgres_url)
    with writing(branch.engine) as connection:
        connection.execute(text("UPDATE epochs SET instance = 'the server this was dumped from'"))

    assert branch.keeper.open(0) == 2

    branch.engine.dispose()


def agent(agent_id: str) -> dict[str, object]:
    return {"agent_id": agent_id, "name": "A", "skills": "[]", "business_date": DAY}
