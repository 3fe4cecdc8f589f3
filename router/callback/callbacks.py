"""Callers who keep their place without a phone: whose turn it is, tried how often, done how.

A callback stands in a waiting room of its own with the seniority of its call, so an idle
agent serves whichever is more senior. It takes an idle agent before anybody is dialled:
that is how callbacks in flight never exceed idle agents. One try at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from router import ledger
from router.acd.calls import Call
from router.acd.queues import Queues
from router.acd.waiting import WaitingRoom, seniority
from router.callback.outcome import CallbackOutcome
from router.callback.policy import CallbackPolicy
from router.ids import CallId, Instant, QueueId, Skills
from router.outbound.outcome import OutboundOutcome
from router.recovery import OpenCallback
from router.timers import Timers
from router.turn import Turn
from router.views import CallbackView

PAUSE_TIMER = "callback_pause"

_DONE_AS = {
    OutboundOutcome.ANSWERED: CallbackOutcome.REACHED,
    OutboundOutcome.NO_NUMBER: CallbackOutcome.NO_NUMBER,
    OutboundOutcome.NOT_ALLOWED: CallbackOutcome.NOT_ALLOWED,
}


@dataclass(slots=True)
class Callback:
    """One caller who waits for us to call."""

    call_id: CallId
    """The call in which it was asked for, which has ended."""
    queue_id: QueueId
    skills: Skills
    priority: int
    queued_at: Instant
    serial: int
    try_count: int = 0
    outbound_id: CallId | None = None
    """The try in progress; at most one."""


class Callbacks:
    """All callbacks of one site that are not done."""

    def __init__(
        self,
        *,
        policy: CallbackPolicy,
        queues: Queues,
        timers: Timers[tuple[str, str]],
        has_line: bool,
    ) -> None:
        """Without a line of the site's own nobody is called back; the requests are kept."""
        self.waiting = WaitingRoom()
        self._policy = policy
        self._queues = queues
        self._timers = timers
        self._has_line = has_line
        self._is_open = False
        self._callbacks: dict[CallId, Callback] = {}

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks.values())

    def get(self, call_id: CallId) -> Callback:
        return self._callbacks[call_id]

    def find(self, call_id: CallId | None) -> Callback | None:
        return self._callbacks.get(call_id) if call_id is not None else None

    def views(self) -> Iterator[CallbackView]:
        for each in self:
            yield CallbackView(
                call_id=each.call_id,
                queue_id=each.queue_id,
                queued_at=each.queued_at,
                try_count=each.try_count,
                outbound_id=each.outbound_id,
            )

    # --- requests ----------------------------------------------------------------------

    def request(self, turn: Turn, call: Call) -> None:
        """The caller goes and its place stays."""
        turn.write(ledger.CallbackRequested(call_id=call.call_id, queue_id=call.queue_id))
        callback = Callback(
            call.call_id, call.queue_id, call.skills, call.priority, call.queued_at, call.serial
        )
        self._callbacks[call.call_id] = callback
        self._line_up(turn, callback)

    def resume(self, turn: Turn, serial: int, work: OpenCallback) -> None:
        """Take up a callback of the ledger, its pause where it was."""
        callback = Callback(
            work.call_id,
            work.queue_id,
            work.skills,
            work.priority,
            work.queued_at,
            serial,
            try_count=work.try_count,
        )
        self._callbacks[work.call_id] = callback
        if work.tried_at is not None and work.tried_at + self._policy.pause_ms > turn.now:
            self._pause_until(callback, Instant(work.tried_at + self._policy.pause_ms))
        else:
            self._line_up(turn, callback)

    # --- tries -------------------------------------------------------------------------

    def take(self, turn: Turn, callback: Callback, outbound_id: CallId) -> None:
        """A try begins: it has an agent."""
        assert callback.outbound_id is None, f"{callback.call_id} is being tried"
        callback.outbound_id = outbound_id
        self._take_out(callback)
        turn.callbacks.pop(callback.call_id, None)

    def missed(self, turn: Turn, call_id: CallId) -> None:
        """The agent's own phone was not answered: in its place again, for the next agent."""
        callback = self._callbacks[call_id]
        callback.outbound_id = None
        self._line_up(turn, callback)

    def tried(self, turn: Turn, call_id: CallId, outcome: OutboundOutcome, *, is_counted: bool) -> None:
        """A try is over: the callback is done, or it rests and keeps its place."""
        callback = self._callbacks[call_id]
        assert callback.outbound_id is not None
        turn.write(
            ledger.CallbackTried(
                call_id=call_id,
                outbound_id=callback.outbound_id,
                outcome=outcome,
                is_counted=is_counted,
            )
        )
        callback.outbound_id = None
        callback.try_count += is_counted
        done_as = _DONE_AS.get(outcome)
        if done_as is not None:
            self._finish(turn, callback, done_as)
        elif callback.try_count >= self._policy.try_limit:
            self._finish(turn, callback, CallbackOutcome.NOT_REACHED)
        else:
            self._pause_until(callback, Instant(turn.now + self._policy.pause_ms))

    def pause_over(self, turn: Turn, call_id: CallId) -> None:
        self._line_up(turn, self._callbacks[call_id])

    # --- hours and policies ------------------------------------------------------------

    def set_open(self, turn: Turn, *, is_open: bool) -> None:
        """The hours begin or end; a try in progress goes on."""
        if self._is_open == is_open:
            return
        self._is_open = is_open
        for callback in list(self):
            if is_open:
                self._line_up(turn, callback)
            else:
                self._take_out(callback)

    def policy_changed(self, turn: Turn, queue_id: QueueId) -> None:
        """The queue asks for other skills, or orders its callers otherwise."""
        for callback in self:
            if callback.queue_id == queue_id:
                callback.skills = self._queues.get(queue_id).policy.skills
                if callback.call_id in self.waiting:
                    self._take_out(callback)
                    self._line_up(turn, callback)

    def look_again(self, turn: Turn) -> None:
        """Agents who were not to be rung may be now."""
        turn.callbacks.update((each.call_id, None) for each in self if each.call_id in self.waiting)

    # --- inside ------------------------------------------------------------------------

    def _line_up(self, turn: Turn, callback: Callback) -> None:
        """Into its place, unless it rests, is being tried, or nobody may be called now."""
        rests = self._timers.is_set((PAUSE_TIMER, callback.call_id))
        may_wait = self._is_open and self._has_line and not rests and callback.outbound_id is None
        if not may_wait or callback.call_id in self.waiting:
            return
        queue = self._queues.find(callback.queue_id)
        if queue is None:
            self._finish(turn, callback, CallbackOutcome.QUEUE_REMOVED)
            return
        self.waiting.add(
            callback.call_id,
            seniority=seniority(
                callback.queued_at,
                callback.priority,
                callback.serial,
                queue.policy.priority_head_start_ms,
            ),
            queue_id=callback.queue_id,
            skills=callback.skills,
            queued_at=callback.queued_at,
        )
        turn.callbacks[callback.call_id] = None

    def _take_out(self, callback: Callback) -> None:
        if callback.call_id in self.waiting:
            self.waiting.remove(callback.call_id)

    def _pause_until(self, callback: Callback, at: Instant) -> None:
        self._timers.set((PAUSE_TIMER, callback.call_id), at)

    def _finish(self, turn: Turn, callback: Callback, outcome: CallbackOutcome) -> None:
        del self._callbacks[callback.call_id]
        turn.write(ledger.CallbackDone(call_id=callback.call_id, outcome=outcome))
