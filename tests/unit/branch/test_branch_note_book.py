"""The last notes by customer: in memory, bounded, and right again once a customer calls."""

import asyncio
from dataclasses import replace

import pytest
import structlog
from sqlalchemy.exc import OperationalError

from branch.customers import note_book
from branch.customers.contact_note import SHOWN_LIMIT, ContactNote, KeptNote
from branch.customers.note_book import NoteBook
from router.ids import CallId, CustomerId

ACME, OTHER = CustomerId("acme"), CustomerId("other")
NOTES = [ContactNote(written_utc_us=each, author="beijing/1", text=f"note {each}") for each in range(5)]


def kept(note: ContactNote, customer_id: CustomerId | None = ACME) -> KeptNote:
    return KeptNote(
        note_id=f"n{note.written_utc_us}", call_id=CallId("c1"), customer_id=customer_id, note=note
    )


class Store:
    """What is written, oldest first."""

    def __init__(self, *notes: ContactNote) -> None:
        self.notes = list(notes)
        self.is_away = False

    def newest(self, count: int) -> list[KeptNote]:
        return [kept(each) for each in self.notes[-count:]]

    def last_of(self, customer_id: CustomerId, count: int) -> list[ContactNote]:
        if self.is_away:
            raise OperationalError("SELECT", None, Exception("away"))
        return self.notes[::-1][:count] if customer_id == ACME else []


def book_of(store: Store) -> NoteBook:
    return NoteBook(store, start_task=asyncio.ensure_future)


async def settled() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others)


async def test_the_newest_of_a_customers_notes_are_there_from_the_start() -> None:
    book = book_of(Store(*NOTES))

    assert book.last_of(ACME) == tuple(NOTES[:1:-1])
    assert len(book.last_of(ACME)) == SHOWN_LIMIT
    assert book.last_of(OTHER) == ()


async def test_what_is_written_shows_at_once_and_once() -> None:
    book = book_of(Store(NOTES[0]))
    before = book.version

    book.note(kept(NOTES[1]))
    book.note(kept(NOTES[1]))
    book.note(kept(NOTES[2], customer_id=None))

    assert book.last_of(ACME) == (NOTES[1], NOTES[0])
    assert book.version == before + 1


async def test_what_was_erased_is_gone_when_the_customer_calls() -> None:
    store = Store(NOTES[0], NOTES[1])
    book = book_of(store)
    store.notes = [NOTES[1]]

    book.look_up_soon(ACME)
    await settled()

    assert book.last_of(ACME) == (NOTES[1],)


async def test_what_is_written_while_a_customer_is_looked_up_stays() -> None:
    store = Store(NOTES[0])
    book = book_of(store)

    book.look_up_soon(ACME)
    await asyncio.sleep(0)
    store.notes.append(NOTES[1])
    book.note(kept(NOTES[1]))
    await settled()

    assert book.last_of(ACME) == (NOTES[1], NOTES[0])


async def test_a_customer_who_is_gone_has_no_notes() -> None:
    book = book_of(Store(NOTES[0]))

    book.forget(ACME)
    book.forget(OTHER)

    assert book.last_of(ACME) == ()


async def test_a_database_that_is_away_changes_nothing_and_is_told_without_a_word_of_a_note() -> None:
    store = Store(NOTES[0])
    book = book_of(store)
    store.is_away = True

    with structlog.testing.capture_logs() as logs:
        book.look_up_soon(ACME)
        await settled()

    assert book.last_of(ACME) == (NOTES[0],)
    assert logs == [{"event": "notes_unread", "log_level": "warning"}]


async def test_customers_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_book, "CUSTOMER_LIMIT", 2)
    book = book_of(Store())
    names = [CustomerId(each) for each in ("a", "b", "c")]
    for name in names:
        book.note(kept(NOTES[0], name))

    assert [bool(book.last_of(name)) for name in names] == [False, True, True]


def test_a_note_shows_its_text_to_no_log() -> None:
    assert "note 1" not in repr(kept(replace(NOTES[1], author="x")))
