"""Facts about agents, as their desks and phones tell them."""

from router import facts, ledger
from router.acd.roster import Agent
from router.agent import BUSY, AgentState
from router.callers import Callers
from router.errors import WrongStateError
from router.ids import AgentId
from router.orders import HoldCall, ResumeCall
from router.parts import Parts
from router.settling import Settling
from router.turn import Turn


class Desks:
    def __init__(self, parts: Parts, callers: Callers, settling: Settling) -> None:
        self._parts = parts
        self._callers = callers
        self._settling = settling

    def logged_in(self, turn: Turn, fact: facts.AgentLoggedIn) -> None:
        self._parts.roster.log_in(turn, fact.agent_id, fact.skills)

    def logged_out(self, turn: Turn, fact: facts.AgentLoggedOut) -> None:
        self._parts.roster.log_out(turn, self._parts.roster.get(fact.agent_id))

    def became_ready(self, turn: Turn, fact: facts.AgentBecameReady) -> None:
        agent = self._parts.roster.get(fact.agent_id)
        if agent.state is AgentState.WRAP_UP and agent.after_call is None:
            self._parts.talking.end_wrapup(turn, agent)
        else:
            self._parts.roster.make_ready(turn, agent)

    def became_not_ready(self, turn: Turn, fact: facts.AgentBecameNotReady) -> None:
        self._leave(turn, fact.agent_id, AgentState.NOT_READY, fact.reason)

    def became_unreachable(self, turn: Turn, fact: facts.AgentBecameUnreachable) -> None:
        self._leave(turn, fact.agent_id, AgentState.UNREACHABLE, fact.reason)

    def phone_lost(self, turn: Turn, fact: facts.PhoneLost) -> None:
        """An agent who can be reached outside needs no phone here."""
        if not self._parts.reach.is_outside(fact.agent_id):
            self._leave(turn, fact.agent_id, AgentState.UNREACHABLE, fact.reason)

    def reach_changed(self, _turn: Turn, fact: facts.ReachChanged) -> None:
        self._parts.reach.set_places(fact.agent_id, fact.places)

    def wrapup_finished(self, turn: Turn, fact: facts.WrapupFinished) -> None:
        agent = self._parts.roster.get(fact.agent_id)
        if agent.state is not AgentState.WRAP_UP:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "wrap-up")
        self._parts.talking.end_wrapup(turn, agent)

    def hold_asked(self, turn: Turn, fact: facts.HoldAsked) -> None:
        agent = self._talking(fact.agent_id)
        if agent.state is AgentState.ON_HOLD:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "a call that isn't held yet")
        outbound = self._parts.outgoing.find(agent.call_id)
        if outbound is not None:
            self._parts.outgoing.hold(turn, outbound, agent)
        elif agent.handoff_id is None:
            assert agent.call_id is not None
            self._parts.talking.hold(turn, self._parts.calls.get(agent.call_id), agent)
        else:
            self._hold_help(turn, agent)

    def resume_asked(self, turn: Turn, fact: facts.ResumeAsked) -> None:
        agent = self._talking(fact.agent_id)
        if agent.state is not AgentState.ON_HOLD:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "a held call")
        outbound = self._parts.outgoing.find(agent.call_id)
        if outbound is not None:
            self._parts.outgoing.resume_talk(turn, outbound, agent)
        elif agent.handoff_id is None:
            assert agent.call_id is not None
            self._parts.talking.resume(turn, self._parts.calls.get(agent.call_id), agent)
        else:
            self._resume_help(turn, agent)

    def transfer_asked(self, turn: Turn, fact: facts.TransferAsked) -> None:
        agent = self._talking(fact.agent_id)
        if agent.handoff_id is not None or agent.call_id is None:
            raise WrongStateError(
                f"agent {agent.agent_id!r}", "serving another site's call", "a call of this site"
            )
        if self._parts.outgoing.find(agent.call_id) is not None:
            raise WrongStateError(f"agent {agent.agent_id!r}", "on a call that went out", "a caller's call")
        call = self._parts.calls.get(agent.call_id)
        if fact.to_queue is not None:
            self._parts.talking.transfer_to_queue(turn, call, agent, fact.to_queue)
        elif fact.to_agent is not None:
            target = self._parts.roster.get(fact.to_agent)
            if target.state is not AgentState.READY:
                raise WrongStateError(f"agent {target.agent_id!r}", target.state, "an agent who is ready")
            self._parts.talking.transfer_to_agent(turn, call, agent, target)
            self._settling.offer(turn, call, [target])
        else:
            raise WrongStateError("a transfer", "without a target", "a queue or an agent")

    def hang_up_asked(self, turn: Turn, fact: facts.HangUpAsked) -> None:
        self._callers.end_talk(turn, self._talking(fact.agent_id), is_leg_up=True)

    # --- inside ------------------------------------------------------------------------

    def _leave(self, turn: Turn, agent_id: AgentId, state: AgentState, reason: str) -> None:
        agent = self._parts.roster.get(agent_id)
        was_wrapping_up = agent.state is AgentState.WRAP_UP
        self._parts.roster.make_not_ready(turn, agent, state, reason)
        if was_wrapping_up:
            self._parts.talking.end_wrapup(turn, agent)

    def _talking(self, agent_id: AgentId) -> Agent:
        agent = self._parts.roster.get(agent_id)
        if agent.state not in BUSY or agent.state is AgentState.WRAP_UP:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "a connected call")
        return agent

    def _hold_help(self, turn: Turn, agent: Agent) -> None:
        assert agent.call_id is not None
        assert agent.leg_id is not None
        turn.write(ledger.CallHeld(call_id=agent.call_id, agent_id=agent.agent_id))
        self._parts.roster.hold(turn, agent)
        turn.order(HoldCall(call_id=agent.call_id, leg_id=agent.leg_id))

    def _resume_help(self, turn: Turn, agent: Agent) -> None:
        assert agent.call_id is not None
        assert agent.leg_id is not None
        turn.write(ledger.CallResumed(call_id=agent.call_id, agent_id=agent.agent_id))
        self._parts.roster.talk(turn, agent)
        turn.order(ResumeCall(call_id=agent.call_id, leg_id=agent.leg_id))
