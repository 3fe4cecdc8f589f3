"""After each fact: whoever became idle and whoever waits are brought together.

This is where the law `no_caller_waits_beside_an_idle_agent` is kept: nothing else offers
a call, or takes an agent for a callback. An agent with nobody to serve at home asks
elsewhere (pull); a caller with nobody idle at home is asked for elsewhere (push).
"""

from router.acd.calls import Call
from router.acd.policy import Distribution
from router.acd.queues import Queue
from router.acd.ringing import Leg
from router.acd.roster import Agent
from router.agent import AgentState
from router.call import CallState
from router.ids import AgentId, CallId
from router.parts import Parts
from router.turn import Turn


class Settling:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def settle(self, turn: Turn) -> None:
        while turn.ready or turn.unserved or turn.callbacks:
            if turn.ready:
                agent_id = next(iter(turn.ready))
                del turn.ready[agent_id]
                self._serve_with(turn, agent_id)
            elif turn.unserved:
                call_id = next(iter(turn.unserved))
                del turn.unserved[call_id]
                self._serve(turn, call_id)
            else:
                call_id = next(iter(turn.callbacks))
                del turn.callbacks[call_id]
                self._call_back(turn, call_id)

    def offer(self, turn: Turn, call: Call, agents: list[Agent]) -> None:
        """Ring the agents; a hand-off of this call that doesn't ring yet is cancelled."""
        self._parts.origin.let_go(turn, call, "TAKEN_AT_HOME")
        self._parts.calls.take_out(call)
        turn.unserved.pop(call.call_id, None)
        call.state = CallState.OFFERED
        queue = self._parts.queues.get(call.queue_id)
        queue.hunt_position = agents[-1].position
        for agent in agents:
            turn.ready.pop(agent.agent_id, None)
            leg = Leg(
                leg_id=self._parts.new_leg_id(),
                agent_id=agent.agent_id,
                call_id=call.call_id,
                queue_id=call.queue_id,
                handoff_id=None,
                limit_ms=queue.policy.ring_limit_ms,
            )
            call.ringing.append(leg.leg_id)
            self._parts.ringing.ring(turn, agent, leg)

    def _serve_with(self, turn: Turn, agent_id: AgentId) -> None:
        agent = self._parts.roster.find(agent_id)
        if agent is None or agent.state is not AgentState.READY:
            return
        if self._parts.silence.is_on:
            self._parts.silence.keep_back(turn, agent)
            return
        head = self._parts.calls.waiting.head_for(agent.skills)
        kept = self._parts.callbacks.waiting.head_for(agent.skills) if self._parts.is_accepting else None
        if kept is not None and (head is None or kept < head):
            self._parts.outgoing.call_back(turn, self._parts.callbacks.get(kept[1]), agent)
        elif head is not None:
            self._offer_by_policy(turn, self._parts.calls.get(head[1]), agent)
            if agent.state is AgentState.READY:
                # Ring-all took others, idle for longer: this one still looks for a call.
                turn.ready[agent_id] = None
        elif self._parts.is_accepting:
            self._parts.pulling.claim(turn, agent)

    def _serve(self, turn: Turn, call_id: CallId) -> None:
        call = self._parts.calls.find(call_id)
        if call is None or call_id not in self._parts.calls.waiting:
            return
        queue = self._parts.queues.get(call.queue_id)
        agent_id = self._parts.roster.idle.choose(call.skills, queue.policy.distribution, queue.hunt_position)
        if agent_id is not None:
            self._offer_by_policy(turn, call, self._parts.roster.get(agent_id))
        else:
            self._parts.pushing.push(turn, call.queue_id)

    def _call_back(self, turn: Turn, call_id: CallId) -> None:
        """Whoever is idle still has nobody to serve: all who wait were looked at before."""
        callback = self._parts.callbacks.find(call_id)
        if callback is None or call_id not in self._parts.callbacks.waiting or not self._parts.is_accepting:
            return
        queue = self._parts.queues.get(callback.queue_id)
        agent_id = self._parts.roster.idle.choose(
            callback.skills, queue.policy.distribution, queue.hunt_position
        )
        if agent_id is not None:
            agent = self._parts.roster.get(agent_id)
            queue.hunt_position = agent.position
            self._parts.outgoing.call_back(turn, callback, agent)

    def _offer_by_policy(self, turn: Turn, call: Call, agent: Agent) -> None:
        queue = self._parts.queues.get(call.queue_id)
        if queue.policy.distribution is Distribution.RING_ALL:
            self.offer(turn, call, self._ring_all_set(call, queue))
        else:
            self.offer(turn, call, [agent])

    def _ring_all_set(self, call: Call, queue: Queue) -> list[Agent]:
        idle = self._parts.roster.idle.longest_idle(call.skills, queue.policy.ring_all_limit)
        return [self._parts.roster.get(agent_id) for agent_id in idle]
