"""Recordings in a branch's database, on both that it may stand on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from branch.store.store import Store, open_store
from router.ids import AgentId, CallId, LegId, QueueId, RecordingId
from router.ledger import LedgerRow, RecordingEnded, RecordingStarted
from router.records.recording import RecordingRecord
from router.talk.recording_acts import RecordingEnd
from sync.clock import ManualClock
from sync.journal.tables import TOMBSTONES
from sync.records.business_day import BusinessCalendar
from sync.records.derived import read_record
from sync.records.tables import RECORDINGS
from tests.fakes.ledger_book import BEIJING, START_UTC_US, LedgerBook, arrived, connected, ended, queued
from tests.fakes.store_ear import StoreEar

C1, LI, R1, R2 = CallId("c1"), AgentId("beijing/1"), RecordingId("r1"), RecordingId("r2")


def started(recording_id: RecordingId, retention_days: int) -> RecordingStarted:
    return RecordingStarted(
        call_id=C1,
        agent_id=LI,
        recording_id=recording_id,
        leg_id=LegId("l1"),
        queue_id=QueueId("sales"),
        retention_days=retention_days,
    )


def over(recording_id: RecordingId, duration_ms: int) -> RecordingEnded:
    return RecordingEnded(
        call_id=C1,
        agent_id=LI,
        recording_id=recording_id,
        duration_ms=duration_ms,
        reason=RecordingEnd.STOPPED,
    )


def a_talk_recorded_twice() -> list[LedgerRow]:
    """r1 for 20 s, kept 3 days; r2 goes on, kept 30."""
    book = LedgerBook()
    book.write(0, arrived("c1"), queued("c1"))
    book.write(5, connected("c1", "l1", 5_000), started(R1, 3))
    book.write(25, over(R1, 20_000))
    book.write(30, started(R2, 30))
    return book.rows


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'branch.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    clock = ManualClock(utc_us=START_UTC_US)
    store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar("Asia/Shanghai"), clock=clock)
    await write(store, a_talk_recorded_twice())
    yield store
    store.close()


async def write(store: Store, rows: list[LedgerRow]) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    writer.append(rows)
    await writer.written(rows[-1].seq)
    await writer.close()


def kept(store: Store) -> dict[RecordingId, RecordingRecord]:
    with store.database.reading() as connection:
        columns = [column for column in RECORDINGS.columns if column.name not in ("rev", "xid")]
        rows = connection.execute(select(*columns)).mappings().all()
    return {row["recording_id"]: read_record(RecordingRecord, dict(row)) for row in rows}


async def test_a_recording_is_a_record_with_its_length_and_its_last_day(store: Store) -> None:
    found = kept(store)

    assert (found[R1].call_id, found[R1].agent_id, found[R1].duration_ms) == (C1, LI, 20_000)
    assert (found[R1].business_date, found[R1].retained_until) == ("2026-01-05", "2026-01-08")
    assert (found[R2].ended_utc_us, found[R2].retained_until) == (None, "2026-02-04")


async def test_a_restart_goes_on_with_the_recording_that_lasts(store: Store) -> None:
    book = LedgerBook(first_seq=len(a_talk_recorded_twice()) + 1)

    await write(store, book.write(60, over(R2, 30_000), ended("c1", talk_ms=55_000)))

    assert kept(store)[R2].duration_ms == 30_000


async def test_what_is_past_its_last_day_is_due_once_and_only_when_it_has_ended(store: Store) -> None:
    on_its_last_day = store.recordings.due("2026-01-08", 10)
    day_after = store.recordings.due("2026-01-09", 10)
    long_after = store.recordings.due("2027-01-01", 10)
    store.recordings.mark_pruned(day_after)

    assert (list(on_its_last_day), list(day_after), list(long_after)) == ([], [R1], [R1])
    assert list(store.recordings.due("2026-01-09", 10)) == []


async def test_a_pruned_recording_keeps_its_record_and_leaves_no_tombstone(store: Store) -> None:
    before = kept(store)[R1]

    store.recordings.mark_pruned([R1])

    after = kept(store)[R1]
    assert before.pruned_utc_us is None
    assert after.pruned_utc_us == START_UTC_US
    assert (after.business_date, after.duration_ms) == (before.business_date, before.duration_ms)
    with store.database.reading() as connection:
        assert connection.execute(select(TOMBSTONES)).all() == []
