"""What desks and operators ask of the store, off the event loop: a slow disk holds up one answer only."""

import asyncio
from collections.abc import Sequence

from branch.people.login import AgentRecord, Credential
from branch.people.refusals import UnknownCustomerError
from branch.serving.desk import Contact, KnownCustomer
from branch.store.people import People
from branch.store.store import Store
from router.acd.policy import QueuePolicy
from router.ids import AgentId, CallId, CustomerId, Skills
from router.ledger import LedgerRow


class AgentDirectory:
    """The site's agents as set up, read when one comes; names are remembered for who watches."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._names = {agent.agent_id: agent.name for agent in people.agents()}

    def agent(self, agent_id: AgentId) -> AgentRecord | None:
        found = self._people.agent(agent_id)
        if found is not None:
            self._names[agent_id] = found.name
        return found

    def credential(self, person_id: str) -> Credential | None:
        return self._people.credential(person_id)

    def skills_of(self, agent_id: AgentId) -> Skills | None:
        """None: no such agent here."""
        found = self.agent(agent_id)
        return None if found is None else found.skills

    def name_of(self, agent_id: AgentId) -> str:
        """The id itself for an agent who was never seen."""
        return self._names.get(agent_id, agent_id)


class StoreAsides:
    """What is asked of one site's store beside the ledger, each in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rows_of_call(self, call_id: CallId) -> Sequence[LedgerRow]:
        """Oldest first; empty for a call this site never had."""
        return await asyncio.to_thread(self._store.call_rows, call_id)

    async def keep_policy(self, policy: QueuePolicy) -> QueuePolicy:
        """Make this the newest version of its queue; return it with its version."""
        return await asyncio.to_thread(self._store.queues.apply, policy)

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
