"""Calls that talk to this site's own agents: connect, hold, transfer, end, wrap up."""

from router import ledger
from router.acd.calls import Call, Calls
from router.acd.queues import Queues
from router.acd.ringing import Leg
from router.acd.roster import Agent, Roster
from router.call import CallState
from router.errors import WrongStateError
from router.ids import AgentId, Instant, LegId, QueueId, SiteId
from router.orders import BridgeAgent, HangUpLeg, HoldCall, ResumeCall
from router.talk.recording import Recordings
from router.timers import Timers
from router.turn import Turn

WRAPUP_TIMER = "wrapup"


class Talking:
    """What agents and callers do once they talk."""

    def __init__(
        self,
        site_id: SiteId,
        calls: Calls,
        roster: Roster,
        queues: Queues,
        timers: Timers[tuple[str, str]],
        recordings: Recordings,
    ) -> None:
        self._site_id = site_id
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._timers = timers
        self._recordings = recordings

    def connect(self, turn: Turn, call: Call, leg: Leg) -> None:
        """The agent answered; its leg has left `Ringing` and its state is TALKING."""
        if not call.is_answered:
            call.is_answered, call.waited_ms = True, turn.now - call.queued_at
        self.go_on(turn, call, leg.leg_id, leg.agent_id)

    def go_on(self, turn: Turn, call: Call, leg_id: LegId, agent_id: AgentId) -> None:
        """The caller talks to this agent from now on; talk or hold before it is closed."""
        call.state, call.agent_id, call.leg_id = CallState.CONNECTED, agent_id, leg_id
        call.talk_since = turn.now
        turn.write(
            ledger.CallConnected(
                call_id=call.call_id,
                queue_id=call.queue_id,
                agent_id=agent_id,
                leg_id=leg_id,
                handoff_id=None,
                served_by=self._site_id,
                waited_ms=call.waited_ms,
            )
        )
        is_to_be_told = self._recordings.is_by_policy(call) and not call.is_told_of_recording
        call.is_told_of_recording |= is_to_be_told
        notice = call.language if is_to_be_told else None
        turn.order(BridgeAgent(call_id=call.call_id, leg_id=leg_id, recording_notice=notice))
        self._recordings.begin_by_policy(turn, call)

    def hold(self, turn: Turn, call: Call, agent: Agent) -> None:
        """Raises:
        WrongStateError: the call isn't talking.
        """
        if call.state is not CallState.CONNECTED or call.leg_id is None:
            raise WrongStateError(f"call {call.call_id!r}", call.state, "a connected call")
        self._calls.close_talk(turn, call)
        call.state, call.hold_since = CallState.HELD, turn.now
        turn.write(ledger.CallHeld(call_id=call.call_id, agent_id=agent.agent_id))
        self._roster.hold(turn, agent)
        turn.order(HoldCall(call_id=call.call_id, leg_id=call.leg_id))

    def resume(self, turn: Turn, call: Call, agent: Agent) -> None:
        """Raises:
        WrongStateError: the call isn't held.
        """
        if call.state is not CallState.HELD or call.leg_id is None:
            raise WrongStateError(f"call {call.call_id!r}", call.state, "a held call")
        self._calls.close_talk(turn, call)
        call.state, call.talk_since = CallState.CONNECTED, turn.now
        turn.write(ledger.CallResumed(call_id=call.call_id, agent_id=agent.agent_id))
        self._roster.talk(turn, agent)
        turn.order(ResumeCall(call_id=call.call_id, leg_id=call.leg_id))

    def transfer_to_queue(self, turn: Turn, call: Call, agent: Agent, queue_id: QueueId) -> None:
        """Blind: the caller waits in `queue_id` with its seniority, the agent is through with it.

        Raises:
            UnknownQueueError: not configured here; nothing changed.
        """
        self._queues.get(queue_id)
        turn.write(
            ledger.CallTransferred(
                call_id=call.call_id, agent_id=agent.agent_id, to_queue=queue_id, to_agent=None
            )
        )
        self.leave_agent(turn, call, agent)
        self._calls.move(turn, call, queue_id)

    def transfer_to_agent(self, turn: Turn, call: Call, agent: Agent, target: Agent) -> None:
        """Blind, to an agent that is idle now; the caller of this rings it.

        Raises:
            UnknownQueueError: the call's queue was removed, so it could not wait; nothing changed.
        """
        self._queues.get(call.queue_id)
        turn.write(
            ledger.CallTransferred(
                call_id=call.call_id, agent_id=agent.agent_id, to_queue=None, to_agent=target.agent_id
            )
        )
        self.leave_agent(turn, call, agent)

    def end(self, turn: Turn, call: Call, reason: str | None, *, is_leg_up: bool) -> None:
        """Caller or agent hung up a connected call."""
        agent = self._roster.find(call.agent_id) if call.agent_id is not None else None
        if is_leg_up and call.leg_id is not None and call.agent_id is not None:
            turn.order(HangUpLeg(leg_id=call.leg_id, agent_id=call.agent_id))
        self._calls.end_answered(turn, call, reason)
        if agent is not None:
            self.begin_wrapup(turn, agent, call.queue_id)

    def leave_agent(self, turn: Turn, call: Call, agent: Agent) -> None:
        """The caller goes on without this agent, whose wrap-up begins."""
        self._calls.close_talk(turn, call)
        if call.leg_id is not None:
            turn.order(HangUpLeg(leg_id=call.leg_id, agent_id=agent.agent_id))
        call.leg_id = call.agent_id = None
        self._calls.wait_anew(turn, call)
        self.begin_wrapup(turn, agent, call.queue_id)

    def begin_wrapup(self, turn: Turn, agent: Agent, queue_id: QueueId) -> None:
        queue = self._queues.find(queue_id)
        limit_ms = queue.policy.wrap_up_limit_ms if queue is not None else 0
        if limit_ms == 0:
            self._roster.finish(turn, agent)
            return
        self._roster.wrap_up(turn, agent)
        self._timers.set((WRAPUP_TIMER, agent.agent_id), Instant(turn.now + limit_ms))

    def end_wrapup(self, turn: Turn, agent: Agent) -> None:
        """The agent is through, or its wrap-up limit is over."""
        self._timers.cancel((WRAPUP_TIMER, agent.agent_id))
        assert agent.call_id is not None
        turn.write(
            ledger.WrapupEnded(
                call_id=agent.call_id, agent_id=agent.agent_id, wrapup_ms=turn.now - agent.since
            )
        )
        self._roster.finish(turn, agent)
