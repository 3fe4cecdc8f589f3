"""Notes on contacts in a branch's database, on both that it may stand on."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from branch.customers.contact_note import Contact, ContactNote, KeptNote
from branch.customers.note_erasing import NoteErasing
from branch.store import contact_notes
from branch.store.customers import Customer
from branch.store.store import Store, open_store
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, QueueId
from router.ledger import Entry, HandoffConnected, OutboundAnswered, OutboundBegan, Role
from sync.clock import ManualClock
from sync.journal.tables import TOMBSTONES
from sync.records.business_day import BusinessCalendar
from sync.records.derived import CallerRecord
from tests.fakes.ledger_book import (
    BEIJING,
    START_UTC_US,
    URUMQI,
    LedgerBook,
    arrived,
    connected,
    queued,
)
from tests.fakes.store_ear import StoreEar

KIM, ANN = AgentId("beijing/1"), AgentId("beijing/2")
ACME, C1, OUT = CustomerId("acme"), CallId("c1"), CallId("out")
HANDOFF = HandoffId("h1")
DAY = "2026-01-05"
NUMBER = "+8613800138000"
NOTE = KeptNote(
    note_id="n1",
    call_id=C1,
    customer_id=ACME,
    note=ContactNote(written_utc_us=START_UTC_US, author=KIM, text="要发票"),
)

ACMES_CALL = (replace(arrived("c1"), customer_id=ACME), replace(queued("c1"), customer_id=ACME))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'branch.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(utc_us=START_UTC_US)


@pytest.fixture
async def store(url: str, clock: ManualClock) -> AsyncIterator[Store]:
    store = open_store(url, site_id=BEIJING, calendar=BusinessCalendar("Asia/Shanghai"), clock=clock)
    yield store
    store.close()


async def write(store: Store, *entries: Entry) -> None:
    writer = store.start_writer(store.pick_up(), StoreEar(), ballast_bytes=0)
    caller = CallerRecord(
        site_id=BEIJING, call_id=OUT, business_date=DAY, number=NUMBER, dialled="13800138000"
    )
    writer.append(LedgerBook().write(0, *entries), [caller])
    await writer.close()


def handed(role: Role, agent: AgentId | None) -> HandoffConnected:
    return HandoffConnected(handoff_id=HANDOFF, role=role, peer=URUMQI, call_id=C1, agent_id=agent)


async def test_whoever_has_talked_on_a_call_has_it_and_nobody_else(store: Store) -> None:
    await write(store, *ACMES_CALL, connected("c1", "l1", 1, KIM), connected("c1", "l2", 1, ANN))

    found = [store.contact_notes.contact(C1, each) for each in (KIM, ANN, AgentId("beijing/3"))]

    assert found == [Contact(call_id=C1, customer_id=ACME)] * 2 + [None]
    assert store.contact_notes.knows(C1)
    assert not store.contact_notes.knows(CallId("c2"))


async def test_another_sites_call_is_that_sites(store: Store) -> None:
    await write(store, handed(Role.HELPER, KIM))

    assert store.contact_notes.contact(C1, ANN) is None
    assert store.contact_notes.contact(C1, KIM) == Contact(
        call_id=C1, customer_id=None, origin=URUMQI, handoff_id=HANDOFF
    )
    assert store.contact_notes.given_away(HANDOFF, URUMQI) is None, "we helped; it is not ours"


async def test_a_call_that_was_given_away_is_the_givers_alone(store: Store) -> None:
    await write(store, *ACMES_CALL, handed(Role.ORIGIN, None))

    assert store.contact_notes.given_away(HANDOFF, URUMQI) == Contact(call_id=C1, customer_id=ACME)
    assert store.contact_notes.given_away(HANDOFF, BEIJING) is None
    assert store.contact_notes.given_away(HandoffId("h2"), URUMQI) is None


async def test_a_call_that_went_out_is_with_whom_the_number_belongs_to(store: Store) -> None:
    store.customers.put(Customer(customer_id=ACME, name="Acme", numbers=(NUMBER,)))
    began = OutboundBegan(call_id=OUT, agent_id=KIM, queue_id=QueueId("outbound"), callback_of=None)
    await write(store, began, OutboundAnswered(call_id=OUT, agent_id=KIM, leg_id=LegId("l1")))

    assert store.contact_notes.contact(OUT, KIM) == Contact(call_id=OUT, customer_id=ACME)
    assert store.contact_notes.contact(OUT, ANN) is None


def test_a_note_is_kept_once_and_shown_newest_first(store: Store) -> None:
    later = replace(NOTE, note_id="n2", note=replace(NOTE.note, written_utc_us=START_UTC_US + 1, text="b"))
    stranger = replace(NOTE, note_id="n3", call_id=CallId("c2"), customer_id=None)

    kept = [store.contact_notes.add(each, call_limit=9) for each in (NOTE, later, stranger, NOTE)]
    again = store.contact_notes.add(replace(NOTE, note=replace(NOTE.note, text="other")), call_limit=9)

    assert kept == [NOTE, later, stranger, NOTE]
    assert again == NOTE
    assert store.contact_notes.last_of(ACME, 9) == [later.note, NOTE.note]
    assert store.contact_notes.last_of(ACME, 1) == [later.note]
    assert store.contact_notes.newest(9) == [NOTE, later]


def test_a_call_has_so_many_notes_and_no_more(store: Store) -> None:
    assert store.contact_notes.add(NOTE, call_limit=1) == NOTE
    assert store.contact_notes.add(replace(NOTE, note_id="n2"), call_limit=1) is None
    assert store.contact_notes.add(NOTE, call_limit=1) == NOTE, "it is there, and comes again"


def test_a_customer_who_is_forgotten_takes_its_notes_along(store: Store) -> None:
    other = replace(NOTE, note_id="n2", customer_id=CustomerId("other"))
    store.customers.put(Customer(customer_id=ACME, name="Acme"))
    for each in (NOTE, other):
        store.contact_notes.add(each, call_limit=9)

    assert store.customers.remove(ACME)

    assert store.contact_notes.newest(9) == [other]
    assert graves(store) == {"n1": "ERASED"}


def test_notes_past_their_retention_are_erased(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contact_notes, "BATCH_SIZE", 2)
    for name in ("n1", "n2", "n3"):
        store.contact_notes.add(replace(NOTE, note_id=name), call_limit=9)
    clock.advance_ms(2 * 86_400_000)
    young = replace(NOTE, note_id="n4")
    store.contact_notes.add(young, call_limit=9)
    erasing = NoteErasing(store.contact_notes, retention_days=1, today=store.database.today)

    assert (erasing.erase(), erasing.erase()) == (3, 0)

    assert store.contact_notes.newest(9) == [young]
    assert graves(store) == dict.fromkeys(("n1", "n2", "n3"), "ERASED")


def graves(store: Store) -> dict[str, str]:
    with store.database.reading() as connection:
        rows = connection.execute(select(TOMBSTONES).where(TOMBSTONES.c.stream == "contact_notes")).all()
    return {row.row_key.split('"')[3]: row.removal for row in rows}
