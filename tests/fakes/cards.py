"""Callers' cards at a site that knows the customers a test names."""

from collections.abc import Mapping

from branch.customers.caller_cards import CallerCards
from branch.customers.contact_note import ContactNote
from branch.customers.customer_book import Profile
from router.ids import CustomerId


class Known:
    def __init__(self, profiles: Mapping[CustomerId, Profile]) -> None:
        self._profiles = profiles

    def known_as(self, customer_id: CustomerId) -> Profile | None:
        return self._profiles.get(customer_id)


class Noted:
    """What was written on customers' contacts; `asked` is whom a look-up was wanted for."""

    def __init__(self, notes: Mapping[CustomerId, tuple[ContactNote, ...]]) -> None:
        self._notes = notes
        self.asked: list[CustomerId] = []

    def last_of(self, customer_id: CustomerId) -> tuple[ContactNote, ...]:
        return self._notes.get(customer_id, ())

    def look_up_soon(self, customer_id: CustomerId) -> None:
        self.asked.append(customer_id)


def cards_at(
    profiles: Mapping[CustomerId, Profile] | None = None,
    notes: Mapping[CustomerId, tuple[ContactNote, ...]] | None = None,
) -> CallerCards:
    return CallerCards(Known(profiles or {}), Noted(notes or {}))
