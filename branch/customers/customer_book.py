"""Whose number this is: kept in memory, so that no arriving caller waits for a database."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy.exc import DBAPIError

from router.ids import CustomerId

log = structlog.get_logger()

_LOOK_INTERVAL_S = 2.0
"""Customers are changed by commands beside the running branch: how late a change may be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is shown of a customer before a person has looked."""

    name: str
    customer_class: str
    region: str | None


class CustomerNumbers(Protocol):
    """The part of the store that knows customers' numbers; its calls block."""

    def numbers(self) -> Mapping[str, CustomerId]:
        """Each E.164 number's customer."""
        ...

    def profiles(self) -> Mapping[CustomerId, Profile]:
        """How each customer is known."""
        ...

    def change_mark(self) -> object:
        """Equal as long as no number was added, moved or removed, and no customer changed."""
        ...


class CustomerBook:
    """The site's customers, by number, and how they are known; read at the start, and again when changed."""

    def __init__(
        self, customers: CustomerNumbers, *, note_gone: Callable[[CustomerId], None] | None = None
    ) -> None:
        """`note_gone` is told, on the event loop, of each customer that is not known any more."""
        self._customers = customers
        self._note_gone = note_gone
        self._mark = customers.change_mark()
        self._numbers, self._profiles = customers.numbers(), customers.profiles()

    def customer_of(self, number: str) -> CustomerId | None:
        """None: a number that no customer has."""
        return self._numbers.get(number)

    def class_of(self, customer_id: CustomerId) -> str | None:
        """None: there is no such customer."""
        profile = self._profiles.get(customer_id)
        return None if profile is None else profile.customer_class

    def known_as(self, customer_id: CustomerId) -> Profile | None:
        """None: there is no such customer."""
        return self._profiles.get(customer_id)

    async def follow(self) -> None:
        """Look for changes until cancelled; a database that is away keeps the book as it is."""
        while True:
            await asyncio.sleep(_LOOK_INTERVAL_S)
            before = self._profiles
            try:
                await asyncio.to_thread(self._look)
            except DBAPIError as error:
                log.warning("customers_unread", problem=str(error.orig)[:300])
            if self._note_gone is not None and before is not self._profiles:
                for customer_id in before.keys() - self._profiles.keys():
                    self._note_gone(customer_id)

    def _look(self) -> None:
        mark = self._customers.change_mark()
        if mark != self._mark:
            # Read after the mark: what changes in between is seen at the next look.
            self._numbers, self._profiles = self._customers.numbers(), self._customers.profiles()
            self._mark = mark
