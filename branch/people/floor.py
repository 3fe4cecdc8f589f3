"""The running floor, as agents' desks act on it."""

from collections.abc import Callable, Iterable
from typing import Protocol

from router.facts import Fact
from router.ids import AgentId, CallId, CustomerId
from router.views import AgentView, CallView, HandoffView


class Views(Protocol):
    """The part of router.floor.Floor that is looked at."""

    def agent(self, agent_id: AgentId) -> AgentView | None: ...

    def call(self, call_id: CallId) -> CallView | None: ...

    def handoffs(self) -> Iterable[HandoffView]: ...


class RunningFloor:
    """Facts go to the desk, questions to its floor."""

    def __init__(self, handle: Callable[[Fact], None], views: Views) -> None:
        self._handle = handle
        self._views = views

    def handle(self, fact: Fact) -> None:
        """Take a fact.

        Raises:
            RouterError: it was refused and changed nothing.
        """
        self._handle(fact)

    def agent(self, agent_id: AgentId) -> AgentView | None:
        return self._views.agent(agent_id)

    def customer_of(self, agent: AgentView) -> CustomerId | None:
        """By the site's own call, or by the hand-off that brought another site's."""
        if agent.handoff_id is not None:
            mine = (each for each in self._views.handoffs() if each.handoff_id == agent.handoff_id)
            return next((each.customer_id for each in mine), None)
        call = self._views.call(agent.call_id) if agent.call_id is not None else None
        return call.customer_id if call is not None else None
