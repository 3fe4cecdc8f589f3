"""Pickup: an idle agent takes a call that rings at a colleague's phone, or waits, out of turn."""

from router import facts
from router.acd.calls import Call
from router.acd.roster import Agent
from router.agent import AgentState
from router.errors import WrongStateError
from router.ids import AgentId, QueueId
from router.parts import Parts
from router.settling import Settling
from router.turn import Turn

_IDLE = (AgentState.READY, AgentState.NOT_READY)


class Pickup:
    def __init__(self, parts: Parts, settling: Settling) -> None:
        self._parts = parts
        self._settling = settling

    def asked(self, turn: Turn, fact: facts.PickupAsked) -> None:
        """The call is offered to this agent and nobody else any more; its seniority stays.

        Raises:
            WrongStateError: the agent is busy, or there is no such call that it has the skills for.
            UnknownAgentError, UnknownQueueError: not here.
        """
        agent = self._parts.roster.get(fact.agent_id)
        if agent.state not in _IDLE:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "an agent who is idle")
        if fact.from_agent is not None:
            call = self._ringing_at(fact.from_agent, agent)
        elif fact.from_queue is not None:
            call = self._waiting_in(fact.from_queue, agent)
        else:
            call = self._ringing_anywhere(agent)
        for leg_id in call.ringing:
            self._parts.ringing.stop(turn, leg_id)
        call.ringing.clear()
        self._settling.offer(turn, call, [agent])

    def _ringing_at(self, agent_id: AgentId, agent: Agent) -> Call:
        colleague = self._parts.roster.get(agent_id)
        leg = self._parts.ringing.find(colleague.leg_id) if colleague.leg_id is not None else None
        if leg is None or leg.handoff_id is not None or self._parts.calls.find(leg.call_id) is None:
            raise WrongStateError(f"agent {agent_id!r}", colleague.state, "a phone that rings with our call")
        call = self._parts.calls.get(leg.call_id)
        if not call.skills <= agent.skills:
            missing = ", ".join(sorted(call.skills - agent.skills))
            raise WrongStateError(f"agent {agent.agent_id!r}", f"without {missing}", "the call's skills")
        return call

    def _ringing_anywhere(self, agent: Agent) -> Call:
        """The one that has rung for longest, of those that the agent has the skills for."""
        for leg in self._parts.ringing:
            call = self._parts.calls.find(leg.call_id) if leg.handoff_id is None else None
            if call is not None and call.skills <= agent.skills:
                return call
        raise WrongStateError("every phone", "silent", "one that rings with a call the agent can serve")

    def _waiting_in(self, queue_id: QueueId, agent: Agent) -> Call:
        self._parts.queues.get(queue_id)
        call_id = self._parts.calls.waiting.next_in(queue_id, agent.skills)
        if call_id is None:
            raise WrongStateError(f"queue {queue_id!r}", "empty", "a waiting call that the agent can serve")
        return self._parts.calls.get(call_id)
