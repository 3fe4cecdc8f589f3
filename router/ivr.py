"""The site's IVR: brings each caller through the flow, to a person or to another end.

A call is in it from CALL_ARRIVED and IVR_ENTERED until it asks for a person, and nobody is
asked to serve it meanwhile. Without a flow a caller asks for a person at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from router import facts, ledger
from router.acd.calls import FLOW_TIMER, Call
from router.call import CallState
from router.callers import Callers
from router.errors import InvalidPolicyError
from router.flow import checks
from router.flow.nodes import Flow, HangUp, ToCallback, ToQueue, ToVoicemail, WayOut
from router.flow.walk import Chose, Hush, Leave, LookUp, Move, Moves, Play, Wait, Walk
from router.ids import CallId, Instant, PlaybackId, QueueId
from router.orders import FindCustomer, PlayPrompts, StopPrompts
from router.parts import Parts
from router.problems import BadInputError
from router.recovery import OpenCall
from router.turn import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class IvrPlan:
    """A flow without a fault, and the site's own clock and calendar for it."""

    flow: Flow
    local_time: Callable[[Instant], datetime]
    """What the site's wall clock shows at a moment."""


class Ivr:
    def __init__(self, parts: Parts, callers: Callers, plan: IvrPlan | None) -> None:
        self._parts = parts
        self._callers = callers
        self._flow = None if plan is None else plan.flow
        self._plan = plan
        self._by_move: Mapping[type[Move], Callable[[Turn, Call, Any], None]] = {
            Play: self._play,
            Hush: self._hush,
            Wait: lambda turn, call, move: self._come_back(turn, call, move.wait_ms),
            LookUp: self._look_up,
            Chose: self._note_choice,
            Leave: lambda turn, call, move: self._leave(turn, call, move.way),
        }

    # --- into the flow -----------------------------------------------------------------

    def call_arrived(self, turn: Turn, fact: facts.CallArrived) -> None:
        if self._flow is None:
            self._callers.call_arrived(turn, fact)
            return
        call = self._callers.take_in(turn, fact)
        walk = Walk(
            self._flow,
            language=self._flow.language or call.language,
            customer_class=fact.customer_class,
        )
        turn.write(
            ledger.IvrEntered(
                call_id=call.call_id,
                queue_id=call.queue_id,
                priority=call.priority,
                skills=tuple(sorted(call.skills)),
                customer_class=fact.customer_class,
                language=walk.language,
            )
        )
        call.state, call.walk = CallState.IVR, walk
        self._carry_out(turn, call, walk.begin(self._local(turn)))

    def resume(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        """A restart: the caller hears its node from the beginning, never silence."""
        if self._flow is None:
            self._parts.calls.ask_for_person(turn, call)
            return
        walk = Walk(self._flow, language=call.language, customer_class=open_call.customer_class)
        call.state, call.walk = CallState.IVR, walk
        self._carry_out(turn, call, walk.begin(self._local(turn), open_call.node))

    # --- in it -------------------------------------------------------------------------

    def key_pressed(self, turn: Turn, fact: facts.KeyPressed) -> None:
        self._go_on(turn, fact.call_id, lambda walk, at: walk.pressed(fact.key, at))

    def prompts_played(self, turn: Turn, fact: facts.PromptsPlayed) -> None:
        call = self._parts.calls.find(fact.call_id)
        if call is not None and call.playback_id == fact.playback_id:
            call.playback_id = None
            self._go_on(turn, fact.call_id, lambda walk, at: walk.played(at))

    def waited(self, turn: Turn, call_id: CallId) -> None:
        self._go_on(turn, call_id, lambda walk, at: walk.waited(at))

    def customer_found(self, turn: Turn, fact: facts.CustomerFound) -> None:
        call = self._parts.calls.find(fact.call_id)
        if call is None or call.walk is None or not call.walk.seeks(fact.digits):
            return
        call.customer_id = fact.customer_id
        turn.write(
            ledger.CustomerIdentified(
                call_id=call.call_id, customer_id=fact.customer_id, customer_class=fact.customer_class
            )
        )
        found = call.walk.found(fact.digits, fact.customer_class, self._local(turn))
        self._carry_out(turn, call, found)

    def customer_not_found(self, turn: Turn, fact: facts.CustomerNotFound) -> None:
        self._go_on(turn, fact.call_id, lambda walk, at: walk.not_found(fact.digits, at))

    def flow_applied(self, turn: Turn, fact: facts.FlowApplied) -> None:
        """Raises:
        InvalidPolicyError: the site has no IVR.
        BadInputError: the flow has faults; nothing changed.
        """
        if self._flow is None:
            raise InvalidPolicyError("ivr", "this site has none; name its flow in the site's file first")
        faults = checks.problems(fact.flow, [each.policy.queue_id for each in self._parts.queues])
        if faults:
            raise BadInputError(faults)
        self._flow = fact.flow
        turn.write(ledger.IvrFlowChanged(digest=fact.digest))
        for call in list(self._parts.calls):
            self._go_on(turn, call.call_id, lambda walk, at: walk.changed(fact.flow, at))

    # --- what the walk wants -----------------------------------------------------------

    def _go_on(self, turn: Turn, call_id: CallId, step: Callable[[Walk, datetime], Moves]) -> None:
        """Whoever is not in the flow any more is passed over: a PBX tells late."""
        call = self._parts.calls.find(call_id)
        if call is not None and call.walk is not None:
            self._carry_out(turn, call, step(call.walk, self._local(turn)))

    def _carry_out(self, turn: Turn, call: Call, moves: Moves) -> None:
        for move in moves:
            self._by_move[type(move)](turn, call, move)

    def _play(self, turn: Turn, call: Call, move: Play) -> None:
        assert call.walk is not None
        call.playback_id, call.is_picked_up = PlaybackId(self._parts.new_id()), True
        turn.order(
            PlayPrompts(
                call_id=call.call_id,
                playback_id=call.playback_id,
                prompts=move.prompts,
                language=call.walk.language,
            )
        )
        self._come_back(turn, call, move.limit_ms)

    def _hush(self, turn: Turn, call: Call, move: Hush) -> None:
        if call.playback_id is not None:
            turn.order(StopPrompts(call_id=call.call_id, playback_id=call.playback_id))
            call.playback_id = None

    def _come_back(self, turn: Turn, call: Call, after_ms: int) -> None:
        self._parts.timers.set((FLOW_TIMER, call.call_id), Instant(turn.now + after_ms))

    def _look_up(self, turn: Turn, call: Call, move: LookUp) -> None:
        turn.order(FindCustomer(call_id=call.call_id, digits=move.digits))
        self._come_back(turn, call, move.limit_ms)

    def _note_choice(self, turn: Turn, call: Call, move: Chose) -> None:
        assert call.walk is not None
        turn.write(
            ledger.IvrChose(
                call_id=call.call_id,
                node=move.node,
                choice=move.choice,
                to_node=move.to,
                language=call.walk.language,
            )
        )

    # --- out of it ---------------------------------------------------------------------

    def _leave(self, turn: Turn, call: Call, way: WayOut) -> None:
        assert call.walk is not None
        node, call.language, call.walk = call.walk.node, call.walk.language, None
        self._parts.timers.cancel((FLOW_TIMER, call.call_id))
        if isinstance(way, HangUp):
            self._parts.calls.end_unanswered(turn, call, way.disposition, node)
            return
        call.queue_id = self._queue_of(call, way)
        match way:
            case ToQueue():
                call.priority = call.priority if way.priority is None else way.priority
                call.skills = call.skills | way.skills
                self._parts.calls.ask_for_person(turn, call)
            case ToVoicemail():
                self._callers.send_to_voicemail(turn, call)
            case ToCallback():
                self._callers.request_callback(turn, call)

    def _queue_of(self, call: Call, way: ToQueue | ToVoicemail | ToCallback) -> QueueId:
        """The line's own where the node names none, or one that was taken away meanwhile."""
        named = None if way.queue_id is None else self._parts.queues.find(way.queue_id)
        return call.queue_id if named is None else named.policy.queue_id

    def _local(self, turn: Turn) -> datetime:
        assert self._plan is not None, "only a site with a flow has callers in it"
        return self._plan.local_time(turn.now)
