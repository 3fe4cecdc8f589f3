"""The customers of a site, one at a time or a file at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from branch.admin.customer_csv import CsvFaultsError, read_customers, write_customers
from branch.admin.site_records import open_site
from branch.admin.written_numbers import written_number
from branch.store.customers import Customer, NumberTakenError
from node.ids import refuse
from node.terminal import output, print_json, print_table, progress
from node.troubles import TroubleError
from node.words import plural
from node.words import text as _
from router.id_rules import name_fault
from router.ids import CustomerId
from sync.records.tables import CustomerClass

T = TypeVar("T")

BATCH_SIZE = 200
"""Customers a commit: the running branch's own commits wait no longer than for one of these."""


class CustomerTroubleError(TroubleError):
    """The customer is there already, is not there, or has somebody else's number."""

    reason = "CUSTOMER_TROUBLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a customer shall be; None stays as it is."""

    name: str | None
    kind: str | None
    region: str | None
    numbers: Sequence[str] | None
    country: str | None = None

    def over(self, known: Customer, site_country: str | None) -> Customer:
        """The customer with these wishes; the site's country counts where no other is named.

        Raises:
            BadNumberError: one of the numbers cannot be one.
        """
        kind = known.customer_class if self.kind is None else CustomerClass(self.kind.upper())
        numbers = known.numbers
        if self.numbers is not None:
            numbers = tuple(
                dict.fromkeys(written_number(each, self.country or site_country) for each in self.numbers)
            )
        return Customer(
            customer_id=known.customer_id,
            name=known.name if self.name is None else self.name,
            customer_class=kind,
            region=known.region if self.region is None else self.region or None,
            numbers=numbers,
        )


def add(file: Path, customer_id: str, wanted: Wishes) -> None:
    """Raises:
    CustomerTroubleError, BadNumberError, BadIdError: nothing was changed.
    """
    refuse(name_fault(customer_id))
    with open_site(file) as records:
        if records.customers.customer(CustomerId(customer_id)) is not None:
            raise CustomerTroubleError(_("{customer} is there already; use `set`", customer=customer_id))
        nobody = Customer(customer_id=CustomerId(customer_id), name="")
        _put(records.customers.put, wanted.over(nobody, records.settings.site.country))
    _say(_("{customer} added", customer=customer_id))


def show(file: Path, search: str | None, *, as_json: bool) -> None:
    """Print those that `search` is a part of, or all."""
    with open_site(file) as records:
        found = [each for each in records.customers.customers() if _matches(each, search)]
    if as_json:
        print_json([_record(each) for each in found])
        return
    cells = [
        (each.customer_id, each.name, each.customer_class, each.region or "", " ".join(each.numbers))
        for each in found
    ]
    print_table([_("Id"), _("Name"), _("Class"), _("Region"), _("Numbers")], cells)


def change(file: Path, customer_id: str, wanted: Wishes) -> None:
    """Raises:
    CustomerTroubleError, BadNumberError: nothing was changed.
    """
    with open_site(file) as records:
        known = records.customers.customer(CustomerId(customer_id))
        if known is None:
            raise _unknown(customer_id)
        _put(records.customers.put, wanted.over(known, records.settings.site.country))
    _say(_("{customer} changed", customer=customer_id))


def remove(file: Path, customer_id: str) -> None:
    """Raises:
    CustomerTroubleError: there is no such customer.
    """
    with open_site(file) as records:
        if not records.customers.remove(CustomerId(customer_id)):
            raise _unknown(customer_id)
    _say(_("{customer} removed", customer=customer_id))


def take_in(file: Path, csv_file: Path, country: str | None) -> None:
    """Add the file's customers, and change those that are known.

    Raises:
        CsvFaultsError: the file has faults; nothing was changed.
    """
    with open_site(file) as records:
        customers = read_customers(csv_file, country or records.settings.site.country)
        _refuse_taken(csv_file, customers, records.customers.customers())
        with progress() as bar:
            task = bar.add_task(_("customers"), total=len(customers))
            for start in range(0, len(customers), BATCH_SIZE):
                batch = customers[start : start + BATCH_SIZE]
                _put(records.customers.put_all, batch)
                bar.advance(task, len(batch))
    _say(plural("{count} customer taken in", "{count} customers taken in", len(customers)))


def write_out(file: Path, csv_file: Path) -> None:
    """Write every customer to a new file, in the form that `take_in` reads."""
    with open_site(file) as records:
        count = write_customers(csv_file, records.customers.customers())
    _say(
        plural(
            "{count} customer written to {file}", "{count} customers written to {file}", count, file=csv_file
        )
    )


# --- inside ---------------------------------------------------------------------------------


def _put(put: Callable[[T], None], customers: T) -> None:
    try:
        put(customers)
    except NumberTakenError as error:
        raise CustomerTroubleError(_taken(error.number, error.customer_id)) from None


def _refuse_taken(csv_file: Path, customers: Sequence[Customer], known: Sequence[Customer]) -> None:
    owners = {number: each.customer_id for each in known for number in each.numbers}
    faults = [
        _taken(number, owners[number])
        for each in customers
        for number in each.numbers
        if owners.get(number, each.customer_id) != each.customer_id
    ]
    if faults:
        raise CsvFaultsError(csv_file, faults)


def _taken(number: str, customer_id: str) -> str:
    return _(
        "{number} is the number of customer {customer}; remove it there first",
        number=number,
        customer=customer_id,
    )


def _unknown(customer_id: str) -> CustomerTroubleError:
    return CustomerTroubleError(_("{customer} is not known at this site", customer=customer_id))


def _matches(customer: Customer, search: str | None) -> bool:
    texts = (customer.customer_id, customer.name, *customer.numbers)
    return search is None or any(search.casefold() in each.casefold() for each in texts)


def _record(customer: Customer) -> dict[str, object]:
    return {
        "customer_id": customer.customer_id,
        "name": customer.name,
        "class": customer.customer_class.lower(),
        "region": customer.region,
        "numbers": list(customer.numbers),
    }


def _say(message: str) -> None:
    output().print(message, markup=False)
