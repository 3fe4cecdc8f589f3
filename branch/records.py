"""What desks and operators read in the store, off the event loop: a slow disk holds up one answer only."""

import asyncio
from collections.abc import Sequence

from branch.people.refusals import UnknownCustomerError
from branch.serving.desk import Contact, KnownCustomer
from branch.store.store import Store
from router.ids import CallId, CustomerId
from router.ledger import LedgerRow


class StoreReading:
    """Questions to one site's store, each in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows_of_call(self, call_id: CallId) -> Sequence[LedgerRow]:
        """Oldest first; empty for a call this site never had."""
        return await asyncio.to_thread(self._store.call_rows, call_id)

    async def known_customer(self, customer_id: CustomerId, contact_limit: int) -> KnownCustomer:
        """The customer, with the newest contacts first.

        Raises:
            UnknownCustomerError: there is none with this id.
        """
        return await asyncio.to_thread(self._known_customer, customer_id, contact_limit)

    def _known_customer(self, customer_id: CustomerId, contact_limit: int) -> KnownCustomer:
        customer = self._store.customers.customer(customer_id)
        if customer is None:
            raise UnknownCustomerError(customer_id)
        contacts = [
            Contact(
                call_id=call.call_id,
                arrived_utc_us=call.arrived_utc_us,
                queue_id=call.queue_id,
                agent_id=call.agent_id,
                disposition=call.disposition,
            )
            for call in self._store.customers.calls_of(customer_id, contact_limit)
        ]
        return KnownCustomer(
            customer_id=customer_id,
            name=customer.name,
            customer_class=customer.customer_class,
            region=customer.region,
            contacts=contacts,
        )
