"""The book of customers' numbers: there at once, and never long behind the database."""

import asyncio
import threading
from collections.abc import Mapping

import pytest
from sqlalchemy.exc import OperationalError

from branch.customers import customer_book
from branch.customers.customer_book import CustomerBook, Profile
from router.ids import CustomerId

ACME = CustomerId("acme")


class Numbers:
    """A store whose database can be away."""

    def __init__(self) -> None:
        self.known: dict[str, CustomerId] = {"+861": ACME}
        self.kinds = {ACME: "STANDARD"}
        self.mark = 1
        self.is_away = False
        self.read_count = 0
        self.asked_count = 0

    def numbers(self) -> Mapping[str, CustomerId]:
        self.read_count += 1
        return dict(self.known)

    def profiles(self) -> Mapping[CustomerId, Profile]:
        return {
            each: Profile(name="Acme", customer_class=kind, region=None) for each, kind in self.kinds.items()
        }

    def change_mark(self) -> object:
        self.asked_count += 1
        if self.is_away:
            raise OperationalError("SELECT", {}, OSError("the disk is away"))
        return self.mark


async def until_asked(numbers: Numbers, more: int) -> None:
    wanted = numbers.asked_count + more
    while numbers.asked_count < wanted:  # pytest's time limit ends it
        await asyncio.to_thread(threading.Event().wait, 0.001)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_book, "_LOOK_INTERVAL_S", 0.001)


def test_a_number_is_known_from_the_start() -> None:
    book = CustomerBook(Numbers())

    assert book.customer_of("+861") == ACME
    assert book.customer_of("+862") is None


async def test_a_change_is_seen_and_nothing_is_read_without_one() -> None:
    numbers = Numbers()
    book = CustomerBook(numbers)
    following = asyncio.create_task(book.follow())
    await until_asked(numbers, 3)
    assert numbers.read_count == 1

    numbers.known, numbers.kinds, numbers.mark = {"+862": ACME}, {ACME: "VIP"}, 2
    await until_asked(numbers, 2)
    following.cancel()

    assert (book.customer_of("+861"), book.customer_of("+862")) == (None, ACME)
    assert book.class_of(ACME) == "VIP"
    assert book.known_as(ACME) == Profile(name="Acme", customer_class="VIP", region=None)


async def test_a_database_that_is_away_leaves_the_book_as_it_is() -> None:
    numbers = Numbers()
    book = CustomerBook(numbers)
    following = asyncio.create_task(book.follow())

    numbers.is_away = True
    await until_asked(numbers, 2)
    assert not following.done()
    following.cancel()

    assert book.customer_of("+861") == ACME


async def test_of_a_customer_who_is_removed_others_are_told() -> None:
    numbers, gone = Numbers(), list[CustomerId]()
    book = CustomerBook(numbers, note_gone=gone.append)
    following = asyncio.create_task(book.follow())

    numbers.known, numbers.kinds, numbers.mark = {}, {}, 2
    await until_asked(numbers, 2)
    following.cancel()

    assert gone == [ACME]
