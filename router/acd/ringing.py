"""Offers: legs that ring agents, for this site's calls and for those it helps with."""

from dataclasses import dataclass

from router import ledger
from router.acd.roster import Agent, Roster
from router.agent import STATE_AFTER_RING_FAILURE, RingFailure
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId
from router.orders import RingAgent, StopRinging
from router.timers import Timers
from router.turn import Turn

RING_TIMER = "ring"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One offer of a call to one agent; frozen, since only its presence changes."""

    leg_id: LegId
    agent_id: AgentId
    call_id: CallId
    queue_id: QueueId
    handoff_id: HandoffId | None
    """Set when the call is another site's."""


class Ringing:
    """The legs that ring now."""

    def __init__(self, roster: Roster, timers: Timers[tuple[str, str]]) -> None:
        self._roster = roster
        self._timers = timers
        self._legs: dict[LegId, Leg] = {}

    def find(self, leg_id: LegId) -> Leg | None:
        return self._legs.get(leg_id)

    def ring(self, turn: Turn, agent: Agent, leg: Leg, limit_ms: int) -> None:
        self._legs[leg.leg_id] = leg
        turn.write(
            ledger.AgentOffered(
                call_id=leg.call_id,
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                queue_id=leg.queue_id,
                handoff_id=leg.handoff_id,
            )
        )
        self._roster.ring(turn, agent, leg.leg_id, leg.call_id)
        turn.order(
            RingAgent(
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                call_id=leg.call_id,
                queue_id=leg.queue_id,
                handoff_id=leg.handoff_id,
            )
        )
        self._timers.set((RING_TIMER, leg.leg_id), Instant(turn.now + limit_ms))

    def rang(self, turn: Turn, leg: Leg) -> None:
        turn.write(ledger.AgentRang(call_id=leg.call_id, leg_id=leg.leg_id, agent_id=leg.agent_id))

    def stop(self, turn: Turn, leg_id: LegId) -> None:
        """Nobody's fault: the agent has its old place back at once."""
        leg = self._drop(leg_id)
        turn.order(StopRinging(leg_id=leg_id, agent_id=leg.agent_id))
        self._write_failure(turn, leg, RingFailure.STOPPED)
        self._roster.release(turn, self._roster.get(leg.agent_id))

    def expire(self, turn: Turn, leg_id: LegId) -> Leg:
        """The ring limit is over: RONA."""
        turn.order(StopRinging(leg_id=leg_id, agent_id=self._legs[leg_id].agent_id))
        return self.fail(turn, leg_id, RingFailure.NO_ANSWER)

    def fail(self, turn: Turn, leg_id: LegId, reason: RingFailure) -> Leg:
        """The phone's word. The agent is not offered calls until it makes itself ready."""
        leg = self._drop(leg_id)
        self._write_failure(turn, leg, reason)
        agent = self._roster.get(leg.agent_id)
        if reason is RingFailure.STOPPED:
            self._roster.release(turn, agent)
        else:
            self._roster.miss(turn, agent, STATE_AFTER_RING_FAILURE[reason], reason.value)
        return leg

    def answer(self, turn: Turn, leg_id: LegId) -> Leg:
        leg = self._drop(leg_id)
        self._roster.talk(turn, self._roster.get(leg.agent_id))
        return leg

    def _drop(self, leg_id: LegId) -> Leg:
        self._timers.cancel((RING_TIMER, leg_id))
        return self._legs.pop(leg_id)

    def _write_failure(self, turn: Turn, leg: Leg, reason: RingFailure) -> None:
        turn.write(
            ledger.RingFailed(
                call_id=leg.call_id,
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                queue_id=leg.queue_id,
                reason=reason,
            )
        )
