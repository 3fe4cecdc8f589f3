"""The customers a site knows: name, class, region, and the numbers they call from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from branch.customers.customer_book import Profile
from branch.store import contact_notes
from branch.store.site_database import SiteDatabase
from router.ids import CustomerId
from router.records.call import CallRecord
from sync.records.derived import read_record
from sync.records.tables import CALLS, CONTACT_NOTES, CUSTOMER_NUMBERS, CUSTOMERS, CustomerClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer; `numbers` are E.164."""

    customer_id: CustomerId
    name: str
    customer_class: CustomerClass = CustomerClass.STANDARD
    region: str | None = None
    numbers: tuple[str, ...] = ()


class NumberTakenError(ValueError):
    """The number is another customer's already."""

    def __init__(self, number: str, customer_id: str) -> None:
        super().__init__(f"{number} is the number of customer {customer_id!r}; remove it there first")
        self.number = number
        self.customer_id = customer_id


class Customers:
    """Serves arriving calls, desks and the commands."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    def customers(self) -> list[Customer]:
        """All customers of the site, by their ids."""
        with self._database.reading() as connection:
            numbers = self._numbers(connection)
            query = select(CUSTOMERS).where(CUSTOMERS.c.site_id == self._database.site_id)
            rows = connection.execute(query.order_by(CUSTOMERS.c.customer_id))
            return [_customer(row, numbers.get(row.customer_id, ())) for row in rows]

    def customer(self, customer_id: CustomerId) -> Customer | None:
        query = select(CUSTOMERS).where(
            CUSTOMERS.c.site_id == self._database.site_id, CUSTOMERS.c.customer_id == customer_id
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            return _customer(row, self._numbers(connection, customer_id).get(customer_id, ()))

    def numbers(self) -> dict[str, CustomerId]:
        """Whose each number is."""
        query = select(CUSTOMER_NUMBERS.c.number, CUSTOMER_NUMBERS.c.customer_id).where(
            CUSTOMER_NUMBERS.c.site_id == self._database.site_id
        )
        with self._database.reading() as connection:
            return {number: CustomerId(owner) for number, owner in connection.execute(query)}

    def profiles(self) -> dict[CustomerId, Profile]:
        """How each customer is known."""
        columns = (CUSTOMERS.c.customer_id, CUSTOMERS.c.name, CUSTOMERS.c.customer_class, CUSTOMERS.c.region)
        query = select(*columns).where(CUSTOMERS.c.site_id == self._database.site_id)
        with self._database.reading() as connection:
            return {
                CustomerId(each): Profile(name=name, customer_class=customer_class, region=region)
                for each, name, customer_class, region in connection.execute(query)
            }

    def change_mark(self) -> tuple[tuple[int, int], ...]:
        """How many customers and numbers there are, and the newest revision among each: equal while none
        changed.
        """
        with self._database.reading() as connection:
            return tuple(self._mark(connection, table) for table in (CUSTOMERS, CUSTOMER_NUMBERS))

    def calls_of(self, customer_id: CustomerId, row_limit: int) -> list[CallRecord]:
        """The customer's last calls to this site, newest first."""
        query = (
            select(CALLS)
            .where(CALLS.c.site_id == self._database.site_id, CALLS.c.customer_id == customer_id)
            .order_by(CALLS.c.arrived_utc_us.desc())
            .limit(row_limit)
        )
        with self._database.reading() as connection:
            return [read_record(CallRecord, dict(row)) for row in connection.execute(query).mappings()]

    def put(self, customer: Customer) -> None:
        """Add the customer, or change the one with this id; its numbers are exactly these afterwards.

        Raises:
            NumberTakenError: one of the numbers is another's; nothing changed.
        """
        self.put_all([customer])

    def put_all(self, customers: Iterable[Customer]) -> None:
        """The same for several, in one commit.

        Raises:
            NumberTakenError: one of the numbers is another's; nothing changed.
        """
        with self._database.writing() as connection:
            for customer in customers:
                self._put(connection, customer)

    def remove(self, customer_id: CustomerId) -> bool:
        """Forget the customer, its numbers and what was noted of it; its calls stay. False: there is none."""
        with self._database.writing() as connection:
            contact_notes.erase(connection, self._database, CONTACT_NOTES.c.customer_id == customer_id)
            for number in self._numbers(connection, customer_id).get(customer_id, ()):
                self._database.remove(connection, CUSTOMER_NUMBERS, (number,))
            return self._database.remove(connection, CUSTOMERS, (customer_id,))

    def _mark(self, connection: Connection, table: Table) -> tuple[int, int]:
        newest = func.coalesce(func.max(table.c.rev), 0)
        query = select(func.count(), newest).where(table.c.site_id == self._database.site_id)
        count, rev = connection.execute(query).one()
        return count, rev

    def _put(self, connection: Connection, customer: Customer) -> None:
        self._refuse_taken(connection, customer)
        values = {
            "customer_id": customer.customer_id,
            "name": customer.name,
            "customer_class": str(customer.customer_class),
            "region": customer.region,
        }
        self._database.put(connection, CUSTOMERS, values)
        before = self._numbers(connection, customer.customer_id).get(customer.customer_id, ())
        for number in set(before) - set(customer.numbers):
            self._database.remove(connection, CUSTOMER_NUMBERS, (number,))
        for number in sorted(set(customer.numbers) - set(before)):
            self._database.put(
                connection, CUSTOMER_NUMBERS, {"number": number, "customer_id": customer.customer_id}
            )

    def _numbers(
        self, connection: Connection, customer_id: CustomerId | None = None
    ) -> Mapping[CustomerId, Sequence[str]]:
        query = select(CUSTOMER_NUMBERS).where(CUSTOMER_NUMBERS.c.site_id == self._database.site_id)
        if customer_id is not None:
            query = query.where(CUSTOMER_NUMBERS.c.customer_id == customer_id)
        numbers: dict[CustomerId, list[str]] = {}
        for row in connection.execute(query.order_by(CUSTOMER_NUMBERS.c.number)):
            numbers.setdefault(CustomerId(row.customer_id), []).append(row.number)
        return numbers

    def _refuse_taken(self, connection: Connection, customer: Customer) -> None:
        query = select(CUSTOMER_NUMBERS).where(
            CUSTOMER_NUMBERS.c.site_id == self._database.site_id,
            CUSTOMER_NUMBERS.c.number.in_(customer.numbers),
            CUSTOMER_NUMBERS.c.customer_id != customer.customer_id,
        )
        taken = connection.execute(query).first()
        if taken is not None:
            raise NumberTakenError(taken.number, taken.customer_id)


def _customer(row: Row[Any], numbers: Iterable[str]) -> Customer:
    return Customer(
        customer_id=CustomerId(row.customer_id),
        name=row.name,
        customer_class=CustomerClass(row.customer_class),
        region=row.region,
        numbers=tuple(numbers),
    )
