"""What agents do at their desks, told to the floor or done to their phones.

A key pressed late must not act on the next call, so whatever is about a call names the
leg that the agent saw; the floor's present leg has to be that one.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

import structlog

from branch.people.login import AgentRecord
from branch.people.sessions import Session
from branch.telephony.port import Softphone
from router.agent import AgentState
from router.errors import UnknownAgentError, UnknownLegError, WrongStateError
from router.facts import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentBecameUnreachable,
    AgentLoggedIn,
    AgentLoggedOut,
    Fact,
    HangUpAsked,
    HoldAsked,
    ResumeAsked,
    TransferAsked,
    WrapupFinished,
)
from router.ids import AgentId, CustomerId, LegId, QueueId
from router.views import AgentView

DESK_LOST_AFTER_S = 15.0
"""A desk that stopped watching without logging out may come back so late; then its agent gets no calls."""
DESK_LOST = "DESK_LOST"

TALKING = (AgentState.TALKING, AgentState.ON_HOLD)

log = structlog.get_logger()


class DeskFloor(Protocol):
    """The part of the desk that agents act on."""

    def handle(self, fact: Fact) -> None:
        """Take a fact.

        Raises:
            RouterError: it was refused and changed nothing.
        """
        ...

    def agent(self, agent_id: AgentId) -> AgentView | None:
        """The agent's session, or None without one."""
        ...

    def customer_of(self, agent: AgentView) -> CustomerId | None:
        """Who the agent's present call is from, where that is known."""
        ...


class Workplaces:
    """All desks of the site."""

    def __init__(self, *, floor: DeskFloor, phones: Softphone) -> None:
        self._floor = floor
        self._phones = phones
        self._watched: Counter[AgentId] = Counter()
        self._losing: dict[AgentId, asyncio.TimerHandle] = {}

    # --- the session --------------------------------------------------------------------

    def begin(self, agent: AgentRecord) -> None:
        """The agent is at work, not ready; a session that goes on keeps its state."""
        self._floor.handle(AgentLoggedIn(agent_id=agent.agent_id, skills=agent.skills))

    def end(self, agent_id: AgentId) -> None:
        """The agent leaves, after its call; leaving twice is no fault."""
        self._stay(agent_id)
        if self._floor.agent(agent_id) is not None:
            self._floor.handle(AgentLoggedOut(agent_id=agent_id))

    @contextmanager
    def watched(self, session: Session, agent_id: AgentId) -> Iterator[None]:
        """Entered while a desk shows its agent what happens."""
        self._stay(agent_id)
        self._watched[agent_id] += 1
        try:
            yield
        finally:
            self._watched[agent_id] -= 1
            if not self._watched[agent_id]:
                del self._watched[agent_id]
                if not session.is_closed:
                    loop = asyncio.get_running_loop()
                    self._losing[agent_id] = loop.call_later(DESK_LOST_AFTER_S, self._lose, agent_id)

    def close(self) -> None:
        """Lose nobody any more: the process ends."""
        for timer in self._losing.values():
            timer.cancel()
        self._losing.clear()

    # --- states -------------------------------------------------------------------------

    def ready(self, agent_id: AgentId) -> None:
        self._floor.handle(AgentBecameReady(agent_id=agent_id))

    def not_ready(self, agent_id: AgentId, reason: str) -> None:
        self._floor.handle(AgentBecameNotReady(agent_id=agent_id, reason=reason))

    def wrapup_done(self, agent_id: AgentId) -> None:
        self._floor.handle(WrapupFinished(agent_id=agent_id))

    # --- the call -----------------------------------------------------------------------

    def answer(self, agent_id: AgentId, leg_id: LegId) -> None:
        """Lift the receiver.

        Raises:
            UnknownLegError: that leg does not ring here any more.
            WrongStateError: it is answered already.
        """
        leg_in_hand(self._floor, agent_id, leg_id, (AgentState.RINGING,))
        self._phones.answer_leg(leg_id)

    def hang_up(self, agent_id: AgentId, leg_id: LegId) -> None:
        """Reject the ring, or end the call.

        Raises:
            UnknownLegError: that leg is gone.
        """
        agent = leg_in_hand(self._floor, agent_id, leg_id, (AgentState.RINGING, *TALKING))
        if agent.state is AgentState.RINGING:
            self._phones.hang_up_leg(leg_id)
        else:
            self._floor.handle(HangUpAsked(agent_id=agent_id))

    def hold(self, agent_id: AgentId, leg_id: LegId) -> None:
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(HoldAsked(agent_id=agent_id))

    def resume(self, agent_id: AgentId, leg_id: LegId) -> None:
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(ResumeAsked(agent_id=agent_id))

    def transfer(
        self, agent_id: AgentId, leg_id: LegId, *, to_queue: QueueId | None, to_agent: AgentId | None
    ) -> None:
        leg_in_hand(self._floor, agent_id, leg_id, TALKING)
        self._floor.handle(TransferAsked(agent_id=agent_id, to_queue=to_queue, to_agent=to_agent))

    def is_caller(self, agent_id: AgentId, customer_id: CustomerId) -> bool:
        """Whether the agent's present call is from this customer."""
        agent = self._floor.agent(agent_id)
        return agent is not None and self._floor.customer_of(agent) == customer_id

    # --- inside -------------------------------------------------------------------------

    def _stay(self, agent_id: AgentId) -> None:
        timer = self._losing.pop(agent_id, None)
        if timer is not None:
            timer.cancel()

    def _lose(self, agent_id: AgentId) -> None:
        del self._losing[agent_id]
        if self._floor.agent(agent_id) is not None:
            log.warning("desk_lost", agent=agent_id)
            self._floor.handle(AgentBecameUnreachable(agent_id=agent_id, reason=DESK_LOST))


def leg_in_hand(
    floor: DeskFloor, agent_id: AgentId, leg_id: LegId, wanted: Collection[AgentState]
) -> AgentView:
    """The agent, if that is its present leg and its state is a wanted one.

    Raises:
        UnknownAgentError: it is not logged in.
        UnknownLegError: the leg is another one by now.
        WrongStateError: its state is another one.
    """
    agent = floor.agent(agent_id)
    if agent is None:
        raise UnknownAgentError(agent_id)
    if agent.leg_id != leg_id:
        raise UnknownLegError(leg_id)
    if agent.state not in wanted:
        raise WrongStateError(f"agent {agent_id!r}", agent.state, " or ".join(wanted))
    return agent
