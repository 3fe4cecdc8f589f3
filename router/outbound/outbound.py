"""Calls that go out: the agent's phone first, then the customer's, over the cheapest line.

One machine for callbacks and for numbers that agents dial. Its calls are never offered
calls: nobody waits in them. Until the customer answers, whatever fails gives the agent
its old place in the idle order back.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from router import facts, ledger
from router.acd.queues import Queues
from router.acd.ringing import Leg, Ringing
from router.acd.roster import MAY_RING, Agent, Roster
from router.acd.talking import Talking
from router.agent import AgentState
from router.callback.callbacks import Callback, Callbacks
from router.errors import DuplicateError, NotAcceptingError, RouterError, WrongStateError
from router.ids import AgentId, CallId, HandoffId, Instant, LegId, QueueId
from router.orders import (
    Ask,
    BridgeLine,
    BridgeTrunkLeg,
    DialLine,
    DialSite,
    FindNumber,
    HangUpLeg,
    HangUpLine,
    HangUpTrunk,
    HoldCall,
    ResumeCall,
)
from router.outbound.lines import Lines
from router.outbound.outcome import OutboundOutcome
from router.outbound.policy import DIALLED, OutboundPolicy
from router.outbound.routes import Routes, Way
from router.outbound.state import TALKS, OutboundState
from router.overflow.messages import Refused, Reply, Reserved, ReserveLine
from router.overflow.policy import OverflowPolicy
from router.recovery import OpenOutbound
from router.timers import Timers
from router.turn import Turn
from router.views import OutboundView

ANSWER_TIMER = "outbound_answer"

_MAY_DIAL = MAY_RING - {AgentState.RESERVED}
_REFUSED_AS = {str(each): each for each in OutboundOutcome}
"""NOT_ALLOWED, NO_LINE and LIMIT are called alike by both sides."""


@dataclass(slots=True)
class Outbound:
    """One call that goes out, as the agent's site keeps it."""

    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    queue_id: QueueId
    callback_of: CallId | None
    number: str | None = None
    """In memory only, and only as long as it may still be needed."""
    way: Way | None = None
    """Set once it holds a place on a line or a link."""
    more_ways: list[Way] = field(default_factory=list)
    """Of an emergency call: tried one after the other while none gets through."""
    try_count: int = 0
    handoff_id: HandoffId | None = None
    state: OutboundState = OutboundState.RINGING
    dialed_at: Instant | None = None
    answered_at: Instant | None = None
    held_since: Instant | None = None
    hold_ms: int = 0


class Outgoing:
    """All calls that go out for agents of this site."""

    def __init__(
        self,
        *,
        policy: OutboundPolicy,
        overflow: OverflowPolicy,
        routes: Routes,
        lines: Lines,
        callbacks: Callbacks,
        roster: Roster,
        queues: Queues,
        ringing: Ringing,
        talking: Talking,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._policy = policy
        self._overflow = overflow
        self._routes = routes
        self._lines = lines
        self._callbacks = callbacks
        self._roster = roster
        self._queues = queues
        self._ringing = ringing
        self._talking = talking
        self._timers = timers
        self._new_id = new_id
        self._calls: dict[CallId, Outbound] = {}

    def find(self, call_id: CallId | None) -> Outbound | None:
        return self._calls.get(call_id) if call_id is not None else None

    def find_by_trunk(self, handoff_id: HandoffId) -> Outbound | None:
        return next((each for each in self._calls.values() if each.handoff_id == handoff_id), None)

    def views(self) -> Iterator[OutboundView]:
        for each in self._calls.values():
            yield OutboundView(
                call_id=each.call_id,
                agent_id=each.agent_id,
                leg_id=each.leg_id,
                queue_id=each.queue_id,
                state=each.state,
                callback_of=each.callback_of,
                handoff_id=each.handoff_id,
            )

    # --- beginnings --------------------------------------------------------------------

    def dial(self, turn: Turn, fact: facts.DialAsked, *, is_accepting: bool) -> None:
        """Ring the agent's own phone for a number it dials.

        Raises:
            DuplicateError, UnknownAgentError, WrongStateError: the agent cannot dial now.
            NotAllowedError, NoLineError, LineLimitError: this number cannot be dialled now.
            NotAcceptingError: the site drains; an emergency is dialled all the same.
        """
        if fact.call_id in self._calls:
            raise DuplicateError(f"call {fact.call_id!r}")
        agent = self._roster.get(fact.agent_id)
        if agent.state not in _MAY_DIAL:
            raise WrongStateError(f"agent {agent.agent_id!r}", agent.state, "an agent without a call")
        way = self._routes.choose(fact.number)
        if not (is_accepting or way.is_emergency):
            raise NotAcceptingError("it drains, or its store can keep no more rows")
        self._lines.require(way)
        # Before the agent is rung, who may be outside: its leg must not take the customer's place.
        self._lines.take(way)
        outbound = self._begin(turn, fact.call_id, agent, DIALLED, None)
        outbound.number, outbound.way = fact.number, way
        if way.is_emergency:
            outbound.more_ways = self._routes.other_emergency_ways()

    def call_back(self, turn: Turn, callback: Callback, agent: Agent) -> None:
        """The callback's turn has come, and this agent is idle."""
        call_id = CallId(self._new_id())
        self._callbacks.take(turn, callback, call_id)
        self._begin(turn, call_id, agent, callback.queue_id, callback.call_id)

    # --- the agent's leg ---------------------------------------------------------------

    def leg_answered(self, turn: Turn, outbound: Outbound) -> None:
        """The agent is there: now the customer."""
        self._set_answer_timer(turn, outbound)
        if outbound.callback_of is None:
            self._dial(turn, outbound)
            return
        outbound.state = OutboundState.FINDING
        turn.order(FindNumber(call_id=outbound.call_id, caller_of=outbound.callback_of))

    def leg_failed(self, turn: Turn, outbound: Outbound) -> None:
        """The agent's own phone rang in vain; nobody was dialled."""
        self._end(turn, outbound, OutboundOutcome.AGENT_MISSED)

    def agent_over(self, turn: Turn, outbound: Outbound, *, is_leg_up: bool) -> None:
        """The agent is through with it, or gave it up."""
        self._hang_up_far_end(turn, outbound)
        self._leave(turn, outbound, OutboundOutcome.AGENT_GAVE_UP, is_leg_up=is_leg_up)

    def hold(self, turn: Turn, outbound: Outbound, agent: Agent) -> None:
        """Raises:
        WrongStateError: the customer has not answered.
        """
        if outbound.state is not OutboundState.TALKING:
            raise WrongStateError(f"call {outbound.call_id!r}", outbound.state, "a connected call")
        outbound.state, outbound.held_since = OutboundState.HELD, turn.now
        turn.write(ledger.CallHeld(call_id=outbound.call_id, agent_id=agent.agent_id))
        self._roster.hold(turn, agent)
        turn.order(HoldCall(call_id=outbound.call_id, leg_id=outbound.leg_id))

    def resume_talk(self, turn: Turn, outbound: Outbound, agent: Agent) -> None:
        """The agent, who is on hold, comes back."""
        assert outbound.held_since is not None
        outbound.hold_ms += turn.now - outbound.held_since
        outbound.state, outbound.held_since = OutboundState.TALKING, None
        turn.write(ledger.CallResumed(call_id=outbound.call_id, agent_id=agent.agent_id))
        self._roster.talk(turn, agent)
        turn.order(ResumeCall(call_id=outbound.call_id, leg_id=outbound.leg_id))

    # --- the number and the line -------------------------------------------------------

    def number_found(self, turn: Turn, outbound: Outbound, number: str | None) -> None:
        if outbound.state is not OutboundState.FINDING:
            return
        if number is None:
            self._leave(turn, outbound, OutboundOutcome.NO_NUMBER, is_leg_up=True)
            return
        try:
            way = self._routes.choose_own(number)
            self._lines.require(way)
        except RouterError as refusal:
            self._leave(turn, outbound, _REFUSED_AS[refusal.reason], is_leg_up=True)
            return
        outbound.number = number
        self._hold_place(outbound, way)
        self._dial(turn, outbound)

    def line_replied(self, turn: Turn, request: ReserveLine, reply: Reply) -> None:
        """The site that has the line answers; a late answer is about a reservation that expires."""
        outbound = self.find(request.call_id)
        if outbound is None or outbound.state is not OutboundState.ASKING:
            return
        if isinstance(reply, Reserved):
            self._write_dialed(turn, outbound)
            assert outbound.way is not None
            assert outbound.handoff_id is not None
            turn.order(
                DialSite(
                    handoff_id=outbound.handoff_id,
                    call_id=outbound.call_id,
                    site_id=outbound.way.site_id,
                    token=reply.token,
                )
            )
            return
        reason = reply.reason if isinstance(reply, Refused) else OutboundOutcome.NO_LINE
        outcome = _REFUSED_AS.get(reason, OutboundOutcome.NO_LINE)
        self._leave(turn, outbound, outcome, is_leg_up=True)

    def line_silent(self, turn: Turn, request: ReserveLine) -> None:
        outbound = self.find(request.call_id)
        if outbound is not None and outbound.state is OutboundState.ASKING:
            self._leave(turn, outbound, OutboundOutcome.NO_LINE, is_leg_up=True)

    def answered(self, turn: Turn, outbound: Outbound) -> None:
        """The customer is there, over our line or the other site's."""
        if outbound.state is not OutboundState.DIALING:
            return
        self._timers.cancel((ANSWER_TIMER, outbound.call_id))
        outbound.state, outbound.answered_at = OutboundState.TALKING, turn.now
        turn.write(
            ledger.OutboundAnswered(
                call_id=outbound.call_id, agent_id=outbound.agent_id, leg_id=outbound.leg_id
            )
        )
        self._bridge(turn, outbound)

    def line_over(self, turn: Turn, outbound: Outbound, outcome: OutboundOutcome) -> None:
        """The customer is gone, or never came. An emergency call that did not get through goes on."""
        is_dialing = outbound.state is OutboundState.DIALING
        if is_dialing and outbound.more_ways and outcome is OutboundOutcome.FAILED:
            self._dial_next(turn, outbound)
        elif is_dialing or outbound.state in TALKS:
            self._leave(turn, outbound, outcome, is_leg_up=True)

    def expire(self, turn: Turn, call_id: CallId) -> None:
        """Nobody has answered in time."""
        outbound = self._calls[call_id]
        self._hang_up_far_end(turn, outbound)
        was_dialled = outbound.state is OutboundState.DIALING
        outcome = OutboundOutcome.NO_ANSWER if was_dialled else OutboundOutcome.FAILED
        self._leave(turn, outbound, outcome, is_leg_up=True)

    # --- after a restart ---------------------------------------------------------------

    def resume(self, turn: Turn, work: OpenOutbound, leg_id: LegId, *, is_far_end_ringing: bool) -> None:
        """A call whose two channels outlived the process."""
        outbound = self._take_up(turn, work)
        outbound.leg_id, outbound.state = leg_id, OutboundState.DIALING
        if work.answered_at is None:
            self._set_answer_timer(turn, outbound)
            if not is_far_end_ringing:
                self.answered(turn, outbound)
        elif work.is_held:
            outbound.state, outbound.held_since = OutboundState.HELD, turn.now
        else:
            outbound.state = OutboundState.TALKING
            self._bridge(turn, outbound)

    def end_absent(self, turn: Turn, work: OpenOutbound) -> None:
        """A call of which a channel is gone, or that had nobody dialled yet."""
        outbound = self._take_up(turn, work)
        outcome = OutboundOutcome.INTERRUPTED if work.answered_at is None else OutboundOutcome.ANSWERED
        self._end(turn, outbound, outcome)

    def _take_up(self, turn: Turn, work: OpenOutbound) -> Outbound:
        callback = self._callbacks.find(work.callback_of)
        outbound = Outbound(
            work.call_id,
            work.agent_id,
            work.leg_id or LegId(""),
            work.queue_id,
            callback.call_id if callback is not None else None,
            handoff_id=work.handoff_id,
            dialed_at=work.dialed_at,
            answered_at=work.answered_at,
            hold_ms=work.hold_ms,
        )
        self._calls[work.call_id] = outbound
        if callback is not None:
            self._callbacks.take(turn, callback, work.call_id)
        if work.via is not None and work.line_id is not None:
            way = Way(site_id=work.via, line_id=work.line_id, is_emergency=work.is_emergency)
            self._hold_place(outbound, way)
        return outbound

    # --- inside ------------------------------------------------------------------------

    def _begin(
        self, turn: Turn, call_id: CallId, agent: Agent, queue_id: QueueId, callback_of: CallId | None
    ) -> Outbound:
        outbound = Outbound(call_id, agent.agent_id, LegId(self._new_id()), queue_id, callback_of)
        self._calls[call_id] = outbound
        turn.ready.pop(agent.agent_id, None)
        turn.write(
            ledger.OutboundBegan(
                call_id=call_id, agent_id=agent.agent_id, queue_id=queue_id, callback_of=callback_of
            )
        )
        queue = self._queues.find(queue_id)
        leg = Leg(
            leg_id=outbound.leg_id,
            agent_id=agent.agent_id,
            call_id=call_id,
            queue_id=queue_id,
            handoff_id=None,
            limit_ms=queue.policy.ring_limit_ms if queue is not None else self._policy.ring_limit_ms,
        )
        self._ringing.ring(turn, agent, leg)
        return outbound

    def _hold_place(self, outbound: Outbound, way: Way) -> None:
        outbound.way = way
        self._lines.take(way)

    def _dial(self, turn: Turn, outbound: Outbound) -> None:
        assert outbound.way is not None
        assert outbound.number is not None
        if self._lines.is_own(outbound.way):
            self._write_dialed(turn, outbound)
            outbound.try_count += 1
            turn.order(
                DialLine(
                    call_id=outbound.call_id,
                    line_id=outbound.way.line_id,
                    number=outbound.number,
                    handoff_id=None,
                    try_number=outbound.try_count,
                )
            )
        else:
            outbound.state, outbound.handoff_id = OutboundState.ASKING, HandoffId(self._new_id())
            request = ReserveLine(
                handoff_id=outbound.handoff_id,
                call_id=outbound.call_id,
                number=outbound.number,
                timeout_ms=self._overflow.rpc_limit_ms,
            )
            turn.order(Ask(site_id=outbound.way.site_id, request=request))
        if not outbound.more_ways:
            outbound.number = None

    def _dial_next(self, turn: Turn, outbound: Outbound) -> None:
        assert outbound.way is not None
        self._lines.give_back(outbound.way)
        self._hold_place(outbound, outbound.more_ways.pop(0))
        self._set_answer_timer(turn, outbound)
        self._dial(turn, outbound)

    def _write_dialed(self, turn: Turn, outbound: Outbound) -> None:
        assert outbound.way is not None
        outbound.state, outbound.dialed_at = OutboundState.DIALING, turn.now
        turn.write(
            ledger.OutboundDialed(
                call_id=outbound.call_id,
                agent_id=outbound.agent_id,
                leg_id=outbound.leg_id,
                via=outbound.way.site_id,
                line_id=outbound.way.line_id,
                is_emergency=outbound.way.is_emergency,
                handoff_id=outbound.handoff_id,
            )
        )

    def _bridge(self, turn: Turn, outbound: Outbound) -> None:
        if outbound.handoff_id is None:
            turn.order(BridgeLine(call_id=outbound.call_id, leg_id=outbound.leg_id))
        else:
            turn.order(BridgeTrunkLeg(handoff_id=outbound.handoff_id, leg_id=outbound.leg_id))

    def _hang_up_far_end(self, turn: Turn, outbound: Outbound) -> None:
        if outbound.dialed_at is None:
            return
        if outbound.handoff_id is None:
            turn.order(HangUpLine(call_id=outbound.call_id))
        else:
            turn.order(HangUpTrunk(handoff_id=outbound.handoff_id))

    def _leave(self, turn: Turn, outbound: Outbound, outcome: OutboundOutcome, *, is_leg_up: bool) -> None:
        """The agent's part of the end: a wrap-up after a talk, else its old place at once."""
        if is_leg_up:
            turn.order(HangUpLeg(leg_id=outbound.leg_id, agent_id=outbound.agent_id))
        has_talked = outbound.state in TALKS
        self._end(turn, outbound, OutboundOutcome.ANSWERED if has_talked else outcome)
        agent = self._roster.get(outbound.agent_id)
        if has_talked:
            self._talking.begin_wrapup(turn, agent, outbound.queue_id)
        else:
            self._roster.release(turn, agent)

    def _end(self, turn: Turn, outbound: Outbound, outcome: OutboundOutcome) -> None:
        del self._calls[outbound.call_id]
        self._timers.cancel((ANSWER_TIMER, outbound.call_id))
        if outbound.way is not None:
            self._lines.give_back(outbound.way)
        turn.write(self._ending(turn.now, outbound, outcome))
        if outbound.callback_of is None:
            return
        if outcome is OutboundOutcome.AGENT_MISSED:
            self._callbacks.missed(turn, outbound.callback_of)
        else:
            is_counted = outbound.dialed_at is not None
            self._callbacks.tried(turn, outbound.callback_of, outcome, is_counted=is_counted)

    def _ending(self, now: Instant, outbound: Outbound, outcome: OutboundOutcome) -> ledger.OutboundEnded:
        hold_ms = outbound.hold_ms
        if outbound.held_since is not None:
            hold_ms += now - outbound.held_since
        dialed_at, answered_at = outbound.dialed_at, outbound.answered_at
        is_dialed = dialed_at is not None and outbound.way is not None
        until = answered_at if answered_at is not None else now
        return ledger.OutboundEnded(
            call_id=outbound.call_id,
            agent_id=outbound.agent_id,
            outcome=outcome,
            via=outbound.way.site_id if is_dialed and outbound.way is not None else None,
            line_id=outbound.way.line_id if is_dialed and outbound.way is not None else None,
            ring_ms=until - dialed_at if dialed_at is not None else 0,
            talk_ms=now - answered_at - hold_ms if answered_at is not None else 0,
            hold_ms=hold_ms,
        )

    def _set_answer_timer(self, turn: Turn, outbound: Outbound) -> None:
        # An agent must not listen to a phone that nobody answers for ever.
        at = Instant(turn.now + self._policy.answer_limit_ms)
        self._timers.set((ANSWER_TIMER, outbound.call_id), at)
