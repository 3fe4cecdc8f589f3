"""What a branch's store promises, on both databases it may stand on."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import IntegrityError

from branch.store.group import Group
from branch.store.schema import NewerSchemaError, migrate, needed_version
from branch.store.store import Store, open_store
from branch.store.writer import LedgerWriter, SequenceGapError
from router.ids import AgentId, CallId, HandoffId, Instant, SiteId
from router.ledger import (
    Entry,
    HandoffAsked,
    HandoffCancelled,
    HandoffConnected,
    HandoffEnded,
    HandoffRefused,
    HandoffReserved,
    LedgerRow,
    NodeStarted,
    Role,
    WrapupEnded,
)
from router.records.fold import RecordFold
from router.records.moment import Moment
from router.world.cluster import Cluster, Watchers
from sync.clock import ManualClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord, read_record
from sync.records.tables import CALLERS, LEDGER, METADATA
from tests.fakes.ledger_book import (
    BEIJING,
    BY_SCORE,
    START_UTC_US,
    URUMQI,
    LedgerBook,
    arrived,
    connected,
    ended,
    offered,
    queued,
    utc_us,
)
from tests.fakes.store_contents import folded, ledger_of, values_of
from tests.fakes.store_ear import StoreEar
from tests.sim.worlds import draw_world

CALL = CallId("c1")
HANDOFF = HandoffId("h1")
AGENT = AgentId("beijing/1")
HELPED: list[Entry] = [
    HandoffReserved(handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=None, agent_id=AGENT),
    offered("c1", "l1", handoff="h1"),
    HandoffConnected(handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL, agent_id=AGENT),
]
"""A claim's reservation names no call yet."""


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'a branch 分店.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(mono_ms=5_000, utc_us=START_UTC_US)


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[Store]:
    store = open_here(url, clock)
    yield store
    store.close()


@pytest.fixture
def book() -> LedgerBook:
    return LedgerBook()


@pytest.fixture
def ear() -> StoreEar:
    return StoreEar()


@pytest.fixture
async def writer(store: Store, ear: StoreEar) -> AsyncIterator[LedgerWriter]:
    writer = store.start_writer(store.pick_up(), ear, ballast_bytes=0)
    yield writer
    await writer.close()


def open_here(url: str, clock: ManualClock, site_id: SiteId = BEIJING) -> Store:
    return open_store(url, site_id=site_id, calendar=BusinessCalendar("UTC"), clock=clock)


# --- the schema -------------------------------------------------------------------------


def test_migrations_make_exactly_the_tables_that_the_code_describes(
    store: Store, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    migrated = shape(store)

    with store.database.writing() as connection:
        for name in ("alembic_version", *METADATA.tables):
            connection.execute(text(f"DROP TABLE {name}"))
        if connection.dialect.name == "postgresql":
            connection.execute(text("DROP FUNCTION trunkline_stamp"))
            connection.execute(text("DROP SEQUENCE trunkline_rev"))
        METADATA.create_all(connection)

    assert migrated == shape(store)


def shape(store: Store) -> dict[str, Any]:
    """Columns, keys, checks, indexes and triggers of every table."""
    with store.database.reading() as connection:
        look = inspect(connection)
        found: dict[str, Any] = {
            name: {
                "columns": column_shapes(connection, name),
                "key": look.get_pk_constraint(name)["constrained_columns"],
                "checks": sorted(str(each["sqltext"]) for each in look.get_check_constraints(name)),
            }
            for name in METADATA.tables
        }
        if connection.dialect.name == "sqlite":
            query = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"
        else:
            query = (
                "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' UNION "
                "SELECT 'trigger', trigger_name, action_statement FROM information_schema.triggers"
            )
        found["others"] = sorted(
            (kind, name, definition)
            for kind, name, definition in connection.execute(text(query))
            if not name.startswith(("alembic", "sqlite_autoindex"))
        )
        return found


def column_shapes(connection: Connection, table: str) -> list[tuple[str, ...]]:
    if connection.dialect.name == "sqlite":
        query = 'SELECT name, type, "notnull" FROM pragma_table_info(:table)'
    else:
        query = (
            "SELECT column_name, udt_name, is_nullable FROM information_schema.columns "
            "WHERE table_name = :table"
        )
    return sorted(tuple(map(str, row)) for row in connection.execute(text(query), {"table": table}))


def test_opening_again_migrates_nothing(store: Store) -> None:
    assert migrate(store.engine) == needed_version()


def test_a_database_of_a_newer_version_is_refused_and_left_alone(store: Store) -> None:
    with store.database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(NewerSchemaError, match="'9999'"):
        migrate(store.engine)

    with store.database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"


# --- writing ----------------------------------------------------------------------------


async def test_a_written_row_is_there_for_another_connection(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    rows = book.write(0, arrived("c1"), queued("c1"))
    writer.append(rows)
    await writer.written(2)

    assert ledger_of(store) == rows
    assert values_of(store) == folded(rows)


async def test_all_who_wait_for_one_commit_are_woken_by_it_and_in_order(
    writer: LedgerWriter, ear: StoreEar, book: LedgerBook
) -> None:
    order: list[int] = []

    async def wait(seq: int) -> None:
        await writer.written(seq)
        order.append(seq)

    async with asyncio.TaskGroup() as waiting:
        for seq in (200, 3, 100):
            waiting.create_task(wait(seq))
        await asyncio.sleep(0)
        for number in range(100):
            writer.append(book.write(number, arrived(f"c{number}"), queued(f"c{number}")))

    assert order == [3, 100, 200]
    assert sum(each.row_count for each in ear.commits) == 200
    assert len(ear.commits) < 100, "rows that gather share a commit"
    assert ear.written == sorted(ear.written)


async def test_rows_that_come_in_one_go_share_a_commit(
    store: Store, writer: LedgerWriter, ear: StoreEar, book: LedgerBook
) -> None:
    for number in range(3):
        writer.append(book.write(number, arrived(f"c{number}"), queued(f"c{number}")))

    await ear.until(lambda: 6 in ear.written)
    assert ledger_of(store) == book.rows
    assert [each.row_count for each in ear.commits] == [6]


async def test_the_end_of_the_writing_writes_what_has_just_come(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    writer.append(book.write(0, arrived("c1")))
    await writer.close()

    assert ledger_of(store) == book.rows


async def test_rows_that_do_not_continue_the_ledger_are_refused_and_not_taken(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    first, second, third = book.write(0, arrived("c1"), queued("c1"), ended("c1"))
    writer.append([first])

    with pytest.raises(SequenceGapError, match="goes on with seq 2, not 3"):
        writer.append([third])
    writer.append([second, third])
    await writer.written(3)

    assert [row.seq for row in ledger_of(store)] == [1, 2, 3]


async def test_a_callers_number_stands_in_its_own_table_alone(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    caller = CallerRecord(
        site_id=BEIJING,
        call_id=arrived("c1").call_id,
        business_date="2026-01-05",
        number="+8613800138000",
        dialled="95588",
    )
    writer.append(book.write(0, arrived("c1")), [caller])
    await writer.written(1)

    found = values_of(store)
    assert [read_record(CallerRecord, row) for row in found.pop(CALLERS.name)] == [caller]
    with store.database.reading() as connection:
        ledger = str(connection.execute(select(LEDGER)).all())
    assert "13800138000" not in ledger + str(found)


async def test_every_change_of_a_row_has_a_greater_revision(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    revisions: list[int] = []
    for seconds, entry in enumerate((arrived("c1"), queued("c1"), connected("c1", "l1", 0), ended("c1"))):
        writer.append(book.write(seconds, entry))
        await writer.written(len(book.rows))
        with store.database.reading() as connection:
            revisions.append(connection.execute(text("SELECT rev FROM calls")).scalar_one())

    assert revisions == sorted(set(revisions))
    with store.database.reading() as connection:
        ledger = connection.execute(text("SELECT rev FROM ledger ORDER BY seq")).scalars().all()
    assert list(ledger) == sorted(set(ledger))
    assert not set(ledger) & set(revisions), "one counter for all tables of the site"


async def test_no_two_rows_of_a_site_have_one_revision(
    store: Store, writer: LedgerWriter, book: LedgerBook
) -> None:
    for number in range(30):
        writer.append(book.write(number, arrived(f"c{number}"), queued(f"c{number}"), ended(f"c{number}")))
    await writer.written(90)
    writer.append(book.write(90, arrived("c90")))
    await writer.written(91)

    with store.database.reading() as connection:
        query = "SELECT rev FROM ledger UNION ALL SELECT rev FROM calls"
        revisions = connection.execute(text(query)).scalars().all()
    assert len(revisions) == len(set(revisions)) == 91 + 31


async def test_a_second_process_on_the_same_ledger_ends_the_writing_and_spoils_nothing(
    store: Store, url: str, clock: ManualClock, book: LedgerBook
) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    other_store = open_here(url, clock)
    other = other_store.start_writer(other_store.pick_up(), StoreEar(), ballast_bytes=0)
    (row,) = book.write(0, arrived("c1"))
    writer.append([row])
    await writer.written(1)

    other.append([row])
    with pytest.raises(IntegrityError):
        await other.watch()
    with pytest.raises(IntegrityError):
        await other.written(1)

    assert ledger_of(store) == [row]
    await writer.close()
    await other.close()
    other_store.close()


def test_a_commit_that_succeeded_though_its_answer_was_lost_is_not_made_twice(
    store: Store, book: LedgerBook
) -> None:
    rows = book.write(0, arrived("c1"), queued("c1"))
    group = Group(rows=rows, callers=[])
    with store.database.writing() as connection:
        group.write(connection, BEIJING, RecordFold())
    before = values_of(store)

    group.has_failed = True
    with store.database.writing() as connection:
        group.write(connection, BEIJING, RecordFold())

    assert ledger_of(store) == rows
    assert values_of(store) == before


async def test_closing_writes_what_was_given(store: Store, ear: StoreEar, book: LedgerBook) -> None:
    writer = store.start_writer(store.pick_up(), ear, ballast_bytes=0)
    rows = book.write(0, *(arrived(f"c{number}") for number in range(5_000)))
    writer.append(rows)

    await writer.close()
    await writer.watch()

    assert len(ledger_of(store)) == 5_000


# --- picking up -------------------------------------------------------------------------


async def test_the_next_process_goes_on_after_the_last_row_under_a_greater_incarnation(
    store: Store, book: LedgerBook, clock: ManualClock
) -> None:
    first = store.pick_up()
    writer = store.start_writer(first, StoreEar(), ballast_bytes=0)
    writer.append(book.write(0, arrived("c1"), queued("c1")))
    await writer.close()
    clock.step_utc(-3_600_000_000)

    second = store.pick_up()

    assert first.incarnation == START_UTC_US // 1_000
    assert (first.last_seq, second.last_seq) == (0, 2)
    assert second.incarnation == first.incarnation + 1, "a clock set back does not bring one back"


async def test_a_restart_finds_the_open_calls_and_sessions_in_its_own_time(
    store: Store, book: LedgerBook
) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    writer.append(book.write(0, arrived("c1"), queued("c1")))
    writer.append(book.write(2, arrived("c2"), queued("c2"), ended("c2")))
    await writer.close()

    start = store.pick_up()
    now = Moment(utc_us=utc_us(10), mono_ms=Instant(77_000), incarnation=start.incarnation)

    (call,) = start.fold.open_work(now).calls
    assert (call.call_id, call.queued_at) == ("c1", 67_000)


async def test_a_wrap_up_after_a_restart_is_added_to_the_call_of_before(
    store: Store, book: LedgerBook
) -> None:
    before = [arrived("c1"), queued("c1"), offered("c1", "l1"), connected("c1", "l1", 0), ended("c1")]
    await over_a_restart(store, book, before, [WrapupEnded(call_id=CALL, agent_id=AGENT, wrapup_ms=9_000)])

    assert [row["wrapup_ms"] for row in values_of(store)["calls"]] == [9_000]
    assert values_of(store) == folded(book.rows)


async def test_a_late_row_after_a_restart_changes_the_hand_off_of_before_and_begins_none(
    store: Store, book: LedgerBook
) -> None:
    refused = HandoffRefused(
        handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL, reason="NO_IDLE_AGENT"
    )
    late = HandoffCancelled(
        handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL, reason="TOO_LATE"
    )
    await over_a_restart(store, book, [refused], [late])

    assert [row["reason"] for row in values_of(store)["handoffs"]] == ["NO_IDLE_AGENT"]
    assert values_of(store) == folded(book.rows)


async def over_a_restart(store: Store, book: LedgerBook, before: list[Entry], after: list[Entry]) -> None:
    """One process writes `before`, the next one `after`."""
    for entries in (before, after):
        writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
        writer.append(book.write(0, *entries))
        await writer.close()
        book.restart(30)


async def test_a_restarted_helper_finds_whom_its_agent_talks_to(store: Store, book: LedgerBook) -> None:
    await over_a_restart(store, book, HELPED, [])

    start = store.pick_up()
    now = Moment(utc_us=utc_us(60), mono_ms=Instant(90_000), incarnation=start.incarnation)

    (help_,) = start.fold.open_work(now).helps
    assert (help_.handoff_id, help_.leg_id, help_.connected_at) == (HANDOFF, "l1", 30_000)


async def test_a_helpers_wrap_up_after_a_restart_stands_in_its_hand_off(
    store: Store, book: LedgerBook
) -> None:
    over = HandoffEnded(
        handoff_id=HANDOFF, role=Role.HELPER, peer=URUMQI, call_id=CALL, agent_id=AGENT, talk_ms=20_000
    )
    wrap_up = WrapupEnded(call_id=CALL, agent_id=AGENT, wrapup_ms=9_000)
    await over_a_restart(store, book, [*HELPED, over], [wrap_up])

    assert [row["wrapup_ms"] for row in values_of(store)["handoffs"]] == [9_000]
    assert values_of(store) == folded(book.rows)


async def test_a_restart_ends_hand_offs_of_before_and_leaves_those_alone_that_were_over(
    store: Store, book: LedgerBook
) -> None:
    """The first one's end names no call, so it is not found by the call that is still open."""
    other = HandoffId("h2")
    before: list[Entry] = [
        arrived("c1"),
        queued("c1"),
        HandoffAsked(handoff_id=HANDOFF, role=Role.ORIGIN, peer=URUMQI, call_id=CALL, decision=BY_SCORE),
        HandoffCancelled(
            handoff_id=HANDOFF, role=Role.ORIGIN, peer=URUMQI, call_id=None, reason="LOCAL_AGENT"
        ),
        HandoffAsked(handoff_id=other, role=Role.HELPER, peer=URUMQI, call_id=None, decision=BY_SCORE),
    ]
    await over_a_restart(store, book, before, [NodeStarted(version="0.1.0", readopted_call_count=1)])

    assert [row["stage"] for row in values_of(store)["handoffs"]] == ["CANCELLED", "EXPIRED"]
    assert values_of(store) == folded(book.rows)


@pytest.mark.parametrize("seed", [4, 45, 77])
async def test_tables_equal_the_fold_of_the_ledger_however_often_the_process_was_started(
    url: str, clock: ManualClock, seed: int
) -> None:
    """A whole day of several sites, faults and restarts included, over stores that are opened anew."""
    rng = random.Random(seed)
    ledgers: dict[SiteId, list[LedgerRow]] = {}
    world = draw_world(seed)
    watchers = Watchers(
        see_row=lambda row: ledgers.setdefault(row.site_id, []).append(row), object_to=lambda _: None
    )
    Cluster(world.scenario, world.calls, seed=seed, watchers=watchers, faults=world.faults).play()
    site_id, rows = max(ledgers.items(), key=lambda each: len(each[1]))

    position = 0
    while position < len(rows):
        store = open_here(url, clock, site_id)
        start = store.pick_up()
        assert start.last_seq == position
        writer = store.start_writer(start, StoreEar(), ballast_bytes=0)
        until = min(len(rows), position + rng.randint(1, 400))
        while position < until:
            size = rng.randint(1, 9)
            writer.append(rows[position : min(until, position + size)])
            position = min(until, position + size)
        await writer.close()
        assert values_of(store) == folded(rows[:position])
        store.close()


# --- reading ----------------------------------------------------------------------------


async def test_a_days_rows_come_in_order_and_page_by_page(store: Store, writer: LedgerWriter) -> None:
    monday, tuesday = LedgerBook(), LedgerBook(business_date="2026-01-06", first_seq=2_501)
    monday_rows = monday.write(0, *(arrived(f"c{number}") for number in range(2_500)))
    tuesday_rows = tuesday.write(90_000, *(ended(f"c{number}") for number in range(10)))
    writer.append([*monday_rows, *tuesday_rows])
    await writer.written(2_510)

    assert list(store.day_rows("2026-01-05")) == monday_rows
    assert list(store.day_rows("2026-01-06")) == tuesday_rows
    assert list(store.day_rows("2026-01-07")) == []


async def test_a_calls_rows_are_found_by_its_id(store: Store, writer: LedgerWriter, book: LedgerBook) -> None:
    rows = book.write(0, arrived("c1"), arrived("c2"), queued("c1"), queued("c2"))
    writer.append(rows)
    await writer.written(4)

    assert store.call_rows(arrived("c1").call_id) == [rows[0], rows[2]]
    assert store.call_rows(arrived("nobody").call_id) == []
