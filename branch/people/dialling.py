"""Numbers that agents dial: read as the site's country writes them, kept where they can be erased."""

from collections.abc import Callable, Collection
from typing import Protocol

from branch.customers.numbers import e164
from branch.desk.desk import CallerNumber
from branch.people.refusals import unreadable_number
from router.facts import DialAsked, Fact
from router.ids import AgentId, CallId


class KeepingDesk(Protocol):
    """The part of the desk that takes a fact together with a number."""

    def handle(self, fact: Fact, caller: CallerNumber | None = None) -> None:
        """Raises:
        RouterError: it was refused and changed nothing.
        """
        ...


class Dialling:
    """What an agent types, as a fact of the desk."""

    def __init__(
        self,
        *,
        desk: KeepingDesk,
        new_id: Callable[[], str],
        emergency_numbers: Collection[str],
        country: str | None,
    ) -> None:
        self._desk = desk
        self._new_id = new_id
        self._emergency_numbers = frozenset(emergency_numbers)
        self._country = country

    def dial(self, agent_id: AgentId, typed: str) -> CallId:
        """Begin the call; returns its id.

        Raises:
            CountryMissingError: it has no country code, and the site no country.
            NotAllowedError: no number of anybody's, or one that may not be dialled.
            RouterError: the agent cannot dial now.
        """
        call_id = CallId(self._new_id())
        self.begin(agent_id, call_id, typed)
        return call_id

    def begin(self, agent_id: AgentId, call_id: CallId, typed: str) -> None:
        """The same for a call whose id is made already, and raises alike."""
        typed = typed.strip()
        # An emergency number is no E.164: nothing may rewrite it.
        number = typed if typed in self._emergency_numbers else e164(typed, self._country)
        if number is None:
            raise unreadable_number(typed, self._country)
        kept = CallerNumber(call_id=call_id, number=number, dialled=typed)
        self._desk.handle(DialAsked(agent_id=agent_id, call_id=call_id, number=number), kept)
