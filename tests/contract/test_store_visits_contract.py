"""Return visits in a branch's database, on both that it may stand on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from branch.people.calling_hours import CallingHours
from branch.people.visiting import Visiting
from branch.store.store import Store, open_store
from router.call import Disposition
from router.ids import AgentId, CallId, CustomerId, LineId, QueueId
from router.ledger import LedgerRow, OutboundBegan, OutboundEnded
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.policy import VisitPolicy
from router.visit.sampling import is_sampled
from router.visit.visit import Try, Visit, done
from sync.clock import ManualClock
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from sync.records.tables import RETURN_VISITS
from tests.fakes.ledger_book import (
    BEIJING,
    SALES,
    START_UTC_US,
    LedgerBook,
    arrived,
    connected,
    ended,
    queued,
)
from tests.fakes.store_ear import StoreEar

KIM, OUT = AgentId("beijing/1"), CallId("out")
DAY = "2026-01-05"
VISIT = Visit(
    call_id=CallId("c1"),
    customer_id=CustomerId("acme"),
    queue_id=SALES,
    agent_id=KIM,
    called_utc_us=START_UTC_US,
    due_date="2026-01-07",
    business_date=DAY,
)


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
    yield store
    store.close()


async def write(store: Store, rows: list[LedgerRow], *numbers: tuple[str, str | None]) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    callers = [
        CallerRecord(site_id=BEIJING, call_id=CallId(call), business_date=DAY, number=number, dialled="95588")
        for call, number in numbers
    ]
    writer.append(rows, callers)
    await writer.close()


def began(call: CallId) -> OutboundBegan:
    return OutboundBegan(call_id=call, agent_id=KIM, queue_id=QueueId("outbound"), callback_of=None)


def over(call: CallId, outcome: OutboundOutcome) -> OutboundEnded:
    return OutboundEnded(
        call_id=call,
        agent_id=KIM,
        outcome=outcome,
        via=BEIJING,
        line_id=LineId("line-1"),
        ring_ms=1,
        talk_ms=0,
        hold_ms=0,
    )


def revision(store: Store) -> int:
    with store.database.reading() as connection:
        rev: int = connection.execute(select(RETURN_VISITS.c.rev)).scalar_one()
        return rev


async def test_a_visit_is_kept_as_it_was_put(store: Store) -> None:
    tried = replace(
        VISIT,
        call_id=CallId("c2"),
        customer_id=None,
        agent_id=None,
        try_count=2,
        outbound_id=OUT,
        tried_utc_us=5,
        last_outbound_id=CallId("before"),
        last_outcome=OutboundOutcome.BUSY,
    )

    assert store.return_visits.add([VISIT, tried]) == 2

    assert store.return_visits.visits() == [VISIT, tried]
    assert store.return_visits.visit(CallId("c2")) == tried
    assert store.return_visits.visit(CallId("c3")) is None


async def test_who_is_or_was_on_the_list_is_not_put_on_it_again(store: Store) -> None:
    off = done(VISIT, VisitOutcome.REMOVED, 7)
    store.return_visits.add([VISIT])
    store.return_visits.change(VISIT.call_id, lambda _visit: off)
    other = replace(VISIT, call_id=CallId("c2"))

    assert store.return_visits.add([VISIT, other]) == 1

    assert store.return_visits.visits() == [off, other]
    assert store.return_visits.open_visits() == [other]


async def test_more_visits_than_one_commit_takes_are_all_put_on_the_list(store: Store) -> None:
    visits = [replace(VISIT, call_id=CallId(f"c{number:04}")) for number in range(450)]

    assert (store.return_visits.add(visits), store.return_visits.add(visits)) == (450, 0)
    assert store.return_visits.open_visits() == visits


async def test_a_change_has_a_greater_revision_and_keeps_the_day_of_the_row(store: Store) -> None:
    store.return_visits.add([VISIT])
    before = revision(store)

    changed = store.return_visits.change(VISIT.call_id, lambda visit: replace(visit, outbound_id=OUT))

    assert changed == store.return_visits.visit(VISIT.call_id) == replace(VISIT, outbound_id=OUT)
    assert revision(store) > before
    assert store.return_visits.change(CallId("c9"), lambda visit: visit) is None


async def test_a_change_that_is_refused_changes_nothing(store: Store) -> None:
    store.return_visits.add([VISIT])

    def refuse(visit: Visit) -> Visit:
        raise ValueError(visit.call_id)

    with pytest.raises(ValueError, match="c1"):
        store.return_visits.change(VISIT.call_id, refuse)

    assert store.return_visits.visits() == [VISIT]


async def test_a_tries_end_is_read_from_the_record_of_its_call(store: Store) -> None:
    store.return_visits.add([replace(VISIT, outbound_id=OUT), replace(VISIT, call_id=CallId("c2"))])
    unknown = store.return_visits.tries()
    book = LedgerBook()
    await write(store, book.write(1, began(OUT)))
    lasting = store.return_visits.tries()
    await write(store, book.write(9, over(OUT, OutboundOutcome.BUSY)))
    ended_try = store.return_visits.tries()

    def of(*, is_known: bool, outcome: OutboundOutcome | None, ended_utc_us: int | None) -> list[Try]:
        return [
            Try(
                visit_id=VISIT.call_id,
                outbound_id=OUT,
                is_known=is_known,
                outcome=outcome,
                ended_utc_us=ended_utc_us,
            )
        ]

    assert unknown == of(is_known=False, outcome=None, ended_utc_us=None)
    assert lasting == of(is_known=True, outcome=None, ended_utc_us=None)
    assert ended_try == of(is_known=True, outcome=OutboundOutcome.BUSY, ended_utc_us=START_UTC_US + 9_000_000)


async def test_answered_calls_whose_callers_number_is_known_can_be_visited(store: Store) -> None:
    book = LedgerBook()
    for call in ("known", "withheld", "missed", "lasts"):
        book.write(0, arrived(call), queued(call))
    for call in ("known", "withheld", "lasts"):
        book.write(5, connected(call, f"leg-{call}", 5_000))
    book.write(9, ended("known", talk_ms=4_000), ended("withheld", talk_ms=4_000))
    book.write(9, ended("missed", Disposition.ABANDONED_IN_QUEUE))
    numbers = [(call, "+861066660001") for call in ("known", "missed", "lasts")]
    await write(store, book.rows, *numbers, ("withheld", None))

    (found,) = store.return_visits.answered_calls(DAY)

    assert (found.call_id, found.queue_id, found.agent_id) == ("known", SALES, KIM)
    assert (found.arrived_utc_us, found.business_date) == (START_UTC_US, DAY)
    assert store.return_visits.answered_calls("2026-01-06") == []
    assert store.return_visits.answered_call(CallId("known")) == found
    assert store.return_visits.answered_call(CallId("missed")) is None
    assert store.return_visits.has_open_calls(DAY)
    assert not store.return_visits.has_open_calls("2026-01-06")


async def no_note(*_: object) -> None:
    raise AssertionError("nobody writes one")


async def test_yesterdays_sample_is_put_on_the_list_by_the_call_id_alone(store: Store) -> None:
    book = LedgerBook()
    calls = [f"c{number}" for number in range(200)]
    for call in calls:
        book.write(0, arrived(call), queued(call), connected(call, f"leg-{call}", 0), ended(call))
    await write(store, book.rows, *((call, "+861066660001") for call in calls))
    policy = VisitPolicy(share=0.1, after_days=2)
    clock = ManualClock(utc_us=START_UTC_US + 24 * 3_600_000_000)
    visiting = Visiting(
        records=store.return_visits,
        number_of=store.caller_number,
        known_as=lambda _customer: None,
        dial=lambda *_: None,
        keep_note=no_note,
        new_id=lambda: "new",
        policy=policy,
        hours=CallingHours([], "Asia/Shanghai"),
        calendar=BusinessCalendar("Asia/Shanghai"),
        clock=clock,
    )

    await visiting.look()
    await visiting.look()

    found = store.return_visits.visits()
    assert {each.call_id for each in found} == {each for each in map(CallId, calls) if is_sampled(each, 0.1)}
    assert {(each.due_date, each.business_date) for each in found} == {("2026-01-07", "2026-01-06")}
    assert 5 <= len(found) <= 40
