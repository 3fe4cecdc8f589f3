"""Whose number a caller has entered, out of memory: no caller waits for a database."""

from collections.abc import Callable
from typing import Protocol

from branch.customers.numbers import e164
from router.facts import CustomerFound, CustomerNotFound, Fact
from router.ids import CustomerId
from router.orders import FindCustomer


class KnownCustomers(Protocol):
    """The part of the customers' book that is asked; both return at once."""

    def customer_of(self, number: str) -> CustomerId | None:
        """None: an E.164 number that no customer has."""
        ...

    def class_of(self, customer_id: CustomerId) -> str | None:
        """None: there is no such customer."""
        ...


class CustomerLookup:
    """A customer's number is its id at this site, or a telephone number that is known as its own."""

    def __init__(self, customers: KnownCustomers, country: str | None, tell: Callable[[Fact], None]) -> None:
        """`country` is where national numbers are dialled."""
        self._customers = customers
        self._country = country
        self._tell = tell

    def find(self, order: FindCustomer) -> None:
        """Tell the floor what it asked; the digits go no further."""
        customer_id, customer_class = self._known(order.digits)
        if customer_id is None or customer_class is None:
            self._tell(CustomerNotFound(call_id=order.call_id, digits=order.digits))
            return
        self._tell(
            CustomerFound(
                call_id=order.call_id,
                digits=order.digits,
                customer_id=customer_id,
                customer_class=customer_class,
            )
        )

    def _known(self, digits: str) -> tuple[CustomerId | None, str | None]:
        customer_id: CustomerId | None = CustomerId(digits)
        if self._customers.class_of(CustomerId(digits)) is None:
            number = e164(digits, self._country)
            customer_id = None if number is None else self._customers.customer_of(number)
        return customer_id, None if customer_id is None else self._customers.class_of(customer_id)
