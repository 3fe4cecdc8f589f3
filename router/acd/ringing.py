"""Offers: legs that ring agents, for this site's calls and for those it helps with.

An agent who can be reached at several places is rung at one after the other: each has a
leg of its own, and all of them are one offer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from router import ledger
from router.acd.place import PLACE_RING_LIMIT_MS
from router.acd.reach import Reach, Stop
from router.acd.roster import Agent, Roster
from router.agent import STATE_AFTER_RING_FAILURE, AgentState, RingFailure
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId
from router.orders import RingAgent, StopRinging
from router.timers import Timers
from router.turn import Turn

RING_TIMER = "ring"

_NOT_THERE = (RingFailure.NO_ANSWER, RingFailure.BUSY, RingFailure.UNREACHABLE)
"""The agent may be at its next place; one that rejects the call has seen it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One ring of an agent; frozen, since only its presence changes."""

    leg_id: LegId
    agent_id: AgentId
    call_id: CallId
    queue_id: QueueId
    handoff_id: HandoffId | None
    """Set when the call is another site's."""
    limit_ms: int
    """How long a place rings that does not say so itself."""
    until: Instant | None = None
    """The offer ends by then, whatever places are left. None: as late as any offer may."""
    stop: int = 0
    """The place's index."""


class Ringing:
    """The legs that ring now."""

    def __init__(
        self,
        roster: Roster,
        reach: Reach,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._roster = roster
        self._reach = reach
        self._timers = timers
        self._new_id = new_id
        self._legs: dict[LegId, Leg] = {}

    def __iter__(self) -> Iterator[Leg]:
        """Longest first."""
        return iter(self._legs.values())

    def find(self, leg_id: LegId) -> Leg | None:
        return self._legs.get(leg_id)

    def ring(self, turn: Turn, agent: Agent, leg: Leg) -> None:
        """Ring the first of the agent's places that can be rung."""
        until = Instant(turn.now + PLACE_RING_LIMIT_MS) if leg.until is None else leg.until
        stop = self._reach.first(leg.agent_id, leg.limit_ms)
        self._roster.ring(turn, agent, leg.leg_id, stop.way, leg.call_id)
        self._begin(turn, replace(leg, until=until, stop=stop.index), stop, after_leg=None)

    def rang(self, turn: Turn, leg: Leg) -> None:
        turn.write(ledger.AgentRang(call_id=leg.call_id, leg_id=leg.leg_id, agent_id=leg.agent_id))

    def stop(self, turn: Turn, leg_id: LegId) -> None:
        """Nobody's fault: the agent has its old place back at once."""
        leg = self._drop(leg_id)
        turn.order(StopRinging(leg_id=leg_id, agent_id=leg.agent_id))
        self._write_failure(turn, leg, RingFailure.STOPPED)
        self._roster.release(turn, self._roster.get(leg.agent_id))

    def move_on(self, turn: Turn, leg: Leg, reason: RingFailure) -> Leg | None:
        """Ring the agent's next place in the same offer; None: there is none, and nothing is done."""
        is_over = leg.until is not None and turn.now >= leg.until
        agent = self._roster.get(leg.agent_id)
        if reason not in _NOT_THERE or is_over or agent.after_call is AgentState.LOGGED_OUT:
            return None
        # The place on the line that this leg has is free for the next one.
        stop = self._reach.after(leg.agent_id, leg.stop, leg.limit_ms, agent.way)
        if stop is None:
            return None
        self._drop(leg.leg_id)
        self._write_failure(turn, leg, RingFailure.MOVED_ON)
        next_leg = replace(leg, leg_id=LegId(self._new_id()), stop=stop.index)
        self._roster.ring_on(self._roster.get(leg.agent_id), next_leg.leg_id, stop.way)
        self._begin(turn, next_leg, stop, after_leg=leg.leg_id)
        return next_leg

    def fail(self, turn: Turn, leg: Leg, reason: RingFailure) -> None:
        """The last place's word. The agent is not offered calls until it makes itself ready."""
        self._drop(leg.leg_id)
        self._write_failure(turn, leg, reason)
        agent = self._roster.get(leg.agent_id)
        if reason is RingFailure.STOPPED:
            self._roster.release(turn, agent)
        else:
            self._roster.miss(turn, agent, STATE_AFTER_RING_FAILURE[reason], reason.value)

    def answer(self, turn: Turn, leg_id: LegId) -> Leg:
        leg = self._drop(leg_id)
        self._roster.talk(turn, self._roster.get(leg.agent_id))
        return leg

    def _begin(self, turn: Turn, leg: Leg, stop: Stop, *, after_leg: LegId | None) -> None:
        self._legs[leg.leg_id] = leg
        turn.write(
            ledger.AgentOffered(
                call_id=leg.call_id,
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                queue_id=leg.queue_id,
                handoff_id=leg.handoff_id,
                line_id=stop.way.line_id if stop.way is not None else None,
                after_leg=after_leg,
            )
        )
        turn.order(
            RingAgent(
                leg_id=leg.leg_id,
                agent_id=leg.agent_id,
                call_id=leg.call_id,
                queue_id=leg.queue_id,
                handoff_id=leg.handoff_id,
                outside=stop.outside,
            )
        )
        at = Instant(turn.now + stop.ring_limit_ms)
        self._timers.set((RING_TIMER, leg.leg_id), at if leg.until is None else min(at, leg.until))

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
