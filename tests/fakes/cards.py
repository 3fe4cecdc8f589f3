"""Callers' cards at a site that knows the customers a test names."""

from collections.abc import Mapping

from branch.caller_cards import CallerCards
from branch.customer_book import Profile
from router.ids import CustomerId


class Known:
    def __init__(self, profiles: Mapping[CustomerId, Profile]) -> None:
        self._profiles = profiles

    def known_as(self, customer_id: CustomerId) -> Profile | None:
        return self._profiles.get(customer_id)


def cards_at(profiles: Mapping[CustomerId, Profile] | None = None) -> CallerCards:
    return CallerCards(Known(profiles or {}))
