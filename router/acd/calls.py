"""The calls that this site owns: arrival, place in the queue, and the one ending."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from router import facts, ledger
from router.acd.queues import Queues
from router.acd.waiting import WaitingRoom, seniority
from router.call import CallContext, CallState, Disposition, Language
from router.errors import DuplicateError, InvalidPolicyError, UnknownCallError
from router.flow.walk import Walk
from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    Instant,
    LegId,
    PlaybackId,
    QueueId,
    SiteId,
    Skills,
)
from router.orders import HangUpCall, HoldInQueue
from router.recovery import OpenCall
from router.timers import Timers
from router.turn import Turn

WAIT_TIMER = "wait"
ANNOUNCE_TIMER = "announce"
FLOW_TIMER = "flow"
TOP_PRIORITY = 9


@dataclass(slots=True)
class Call:
    """One caller's journey, as its origin keeps it."""

    call_id: CallId
    queue_id: QueueId
    skills: Skills
    """All that an agent must have: the queue's and the call's own."""
    priority: int
    customer_id: CustomerId | None
    queued_at: Instant
    """The first request for a person: its seniority, which nothing takes away. Before: the arrival."""
    waits_since: Instant
    """What the queue's wait limit counts from: later than `queued_at` once it has talked."""
    serial: int
    language: Language
    state: CallState = CallState.QUEUED
    ringing: list[LegId] = field(default_factory=list)
    leg_id: LegId | None = None
    agent_id: AgentId | None = None
    handoff_id: HandoffId | None = None
    """The hand-off in progress or connected; at most one."""
    is_answered: bool = False
    """A person has answered once; the call's disposition can't be an abandonment any more."""
    waited_ms: int = 0
    """Until the first answer."""
    is_told_of_recording: bool = False
    talk_since: Instant | None = None
    talk_ms: int = 0
    hold_since: Instant | None = None
    hold_ms: int = 0
    announced: tuple[int | None, int | None] = (None, None)
    asked: list[SiteId] = field(default_factory=list)
    """Sites asked for an agent since the last pause."""
    has_asked: bool = True
    """For a person; before that no wait is counted, and no queue has to do with its end."""
    walk: Walk | None = None
    """Its way through the site's flow, while it is in it."""
    playback_id: PlaybackId | None = None
    """What it hears of the flow."""
    is_picked_up: bool = False
    """Something was ordered that answers the caller's channel, which can be sent on no more by that."""


class Calls:
    """All live calls of one site and the room they wait in."""

    def __init__(
        self, queues: Queues, timers: Timers[tuple[str, str]], language: Language, *, holds_back: bool
    ) -> None:
        """`language` is spoken to callers who have not chosen one; `holds_back` is whether callers may be
        sent on instead of being answered.
        """
        self.waiting = WaitingRoom()
        self.held_back: dict[CallId, None] = {}
        """Queued in this moment, and not picked up: whether they are sent on is still open."""
        self._holds_back = holds_back
        self._queues = queues
        self._timers = timers
        self._language = language
        self._calls: dict[CallId, Call] = {}
        self._serial = 0

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def __len__(self) -> int:
        return len(self._calls)

    def get(self, call_id: CallId) -> Call:
        """Raises:
        UnknownCallError: not in this site's system.
        """
        call = self._calls.get(call_id)
        if call is None:
            raise UnknownCallError(call_id)
        return call

    def find(self, call_id: CallId) -> Call | None:
        return self._calls.get(call_id)

    def context(self, call: Call, now: Instant) -> CallContext:
        return CallContext(
            call_id=call.call_id,
            queue_id=call.queue_id,
            skills=call.skills,
            priority=call.priority,
            customer_id=call.customer_id,
            waited_ms=now - call.queued_at,
        )

    # --- arrival -----------------------------------------------------------------------

    def arrive(self, turn: Turn, fact: facts.CallArrived) -> Call:
        """Take a new caller, who has asked for nobody yet.

        Raises:
            DuplicateError, UnknownQueueError, InvalidPolicyError: refused, nothing changed.
        """
        if fact.call_id in self._calls:
            raise DuplicateError(f"call {fact.call_id!r}")
        if not 0 <= fact.priority <= TOP_PRIORITY:
            raise InvalidPolicyError(
                f"call {fact.call_id!r}, priority", f"must be 0 to 9, is {fact.priority}"
            )
        self._queues.get(fact.queue_id)
        call = self._add(fact, turn.now)
        turn.write(
            ledger.CallArrived(call_id=call.call_id, dialled=fact.dialled, customer_id=fact.customer_id)
        )
        return call

    def ask_for_person(self, turn: Turn, call: Call) -> None:
        """Queue the caller, or turn it away when its queue is full: from here on a wait is counted."""
        policy = self._queues.get(call.queue_id).policy
        call.skills = policy.skills | call.skills if call.skills else policy.skills
        call.has_asked = True
        call.queued_at = call.waits_since = turn.now
        if self.waiting.count(call.queue_id) >= policy.waiting_call_limit:
            self._end(turn, call, Disposition.REJECTED, "QUEUE_FULL")
            return
        self._write_queued(turn, call, None)
        if self._holds_back and not call.is_picked_up and policy.is_overflow_allowed:
            self.held_back[call.call_id] = None
        else:
            self.hold(turn, call)
        self.line_up(turn, call)

    def hold(self, turn: Turn, call: Call) -> None:
        """The caller is picked up and hears its queue's music."""
        self.held_back.pop(call.call_id, None)
        call.is_picked_up = True
        turn.order(HoldInQueue(call_id=call.call_id, queue_id=call.queue_id))

    def line_up(self, turn: Turn, call: Call) -> None:
        """Into its place in its queue; the same place as before if it had one."""
        policy = self._queues.get(call.queue_id).policy
        call.state = CallState.QUEUED
        self.waiting.add(
            call.call_id,
            seniority=seniority(call.queued_at, call.priority, call.serial, policy.priority_head_start_ms),
            queue_id=call.queue_id,
            skills=call.skills,
            queued_at=call.queued_at,
        )
        turn.unserved[call.call_id] = None
        wait_key = (WAIT_TIMER, call.call_id)
        if not self._timers.is_set(wait_key):
            self._timers.set(wait_key, Instant(max(turn.now, call.waits_since + policy.wait_limit_ms)))
        if policy.announce_interval_ms and not self._timers.is_set((ANNOUNCE_TIMER, call.call_id)):
            self._timers.set((ANNOUNCE_TIMER, call.call_id), Instant(turn.now + policy.announce_interval_ms))

    def take_in(self, turn: Turn, fact: facts.CallArrived, waited_ms: int) -> Call:
        """A caller whom another site has sent, and whom this one has promised a place in its queue, full or
        not: its wait goes on.

        Raises:
            DuplicateError, UnknownQueueError: refused, nothing changed.
        """
        call = self.arrive(turn, fact)
        policy = self._queues.get(call.queue_id).policy
        call.skills, call.has_asked = policy.skills | call.skills, True
        call.queued_at, call.waits_since = Instant(turn.now - waited_ms), turn.now
        self._write_queued(turn, call, waited_ms)
        self.hold(turn, call)
        self.line_up(turn, call)
        return call

    def take_out(self, call: Call) -> None:
        """Out of the waiting room: an agent rings, or the call is over."""
        if call.call_id in self.waiting:
            self.waiting.remove(call.call_id)

    def wait_anew(self, turn: Turn, call: Call) -> None:
        """It has talked and is passed on: the talk was no waiting."""
        call.waits_since = turn.now
        self._timers.cancel((WAIT_TIMER, call.call_id))

    def move(self, turn: Turn, call: Call, queue_id: QueueId) -> None:
        """Into another queue, with the seniority it has.

        Raises:
            UnknownQueueError: not configured here; nothing changed.
        """
        skills = self._queues.get(queue_id).policy.skills
        self.take_out(call)
        call.queue_id, call.skills = queue_id, skills
        self.line_up(turn, call)

    def resume(self, turn: Turn, open_call: OpenCall) -> Call:
        """Take up a call of the ledger; the caller of this says whether it waits or talks."""
        self._serial += 1
        queue = self._queues.find(open_call.queue_id)
        # After a transfer the ledger names the queue only: what it needs is its policy's matter.
        skills = open_call.skills or (queue.policy.skills if queue is not None else frozenset())
        call = Call(
            call_id=open_call.call_id,
            queue_id=open_call.queue_id,
            skills=skills,
            priority=open_call.priority,
            customer_id=open_call.customer_id,
            queued_at=open_call.queued_at,
            waits_since=open_call.queued_at if open_call.connected_at is None else turn.now,
            serial=self._serial,
            is_answered=open_call.connected_at is not None,
            waited_ms=open_call.waited_ms,
            hold_ms=open_call.hold_ms,
            has_asked=open_call.has_asked,
            language=open_call.language or self._language,
            is_picked_up=True,
        )
        self._calls[call.call_id] = call
        return call

    # --- ending ------------------------------------------------------------------------

    def end_unanswered(self, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        """End a call that talks to nobody; one that was answered before ends as ANSWERED."""
        self._end(turn, call, Disposition.ANSWERED if call.is_answered else disposition, reason)

    def end_failed(self, turn: Turn, call: Call, reason: str) -> None:
        """End a call whose media is lost, answered or not."""
        self._end(turn, call, Disposition.FAILED, reason)

    def end_answered(self, turn: Turn, call: Call, reason: str | None) -> None:
        """End a call that talks."""
        self.close_talk(turn, call)
        queue = self._queues.find(call.queue_id)
        if queue is not None:
            queue.history.note_handled(turn.now, call.talk_ms + call.hold_ms)
        self._end(turn, call, Disposition.ANSWERED, reason)

    def end_gone(self, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        """End a call whose caller is not here any more: nothing is left to hang up."""
        self._close(turn, call, disposition, reason)

    def close_talk(self, turn: Turn, call: Call) -> None:
        """Add the running talk or hold to the call's sums."""
        if call.hold_since is not None:
            call.hold_ms += turn.now - call.hold_since
            call.hold_since = None
        elif call.talk_since is not None:
            call.talk_ms += turn.now - call.talk_since
        call.talk_since = None

    def _end(self, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        self._close(turn, call, disposition, reason)
        turn.order(HangUpCall(call_id=call.call_id, reason=disposition.value))

    def _close(self, turn: Turn, call: Call, disposition: Disposition, reason: str | None) -> None:
        is_unanswered_wait = call.has_asked and not call.is_answered
        waited_ms = turn.now - call.queued_at if is_unanswered_wait else call.waited_ms
        is_abandoned = disposition in (Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING)
        queue = self._queues.find(call.queue_id) if call.has_asked else None
        if queue is not None and disposition is not Disposition.REDIRECTED:
            queue.history.note_wait(turn.now, waited_ms, is_abandoned=is_abandoned)
        self.take_out(call)
        del self._calls[call.call_id]
        self.held_back.pop(call.call_id, None)
        self._timers.cancel((WAIT_TIMER, call.call_id))
        self._timers.cancel((ANNOUNCE_TIMER, call.call_id))
        self._timers.cancel((FLOW_TIMER, call.call_id))
        turn.unserved.pop(call.call_id, None)
        turn.write(
            ledger.CallEnded(
                call_id=call.call_id,
                queue_id=call.queue_id if call.has_asked else None,
                disposition=disposition,
                reason=reason,
                waited_ms=waited_ms,
                talk_ms=call.talk_ms,
                hold_ms=call.hold_ms,
                is_short=is_abandoned and queue is not None and waited_ms < queue.policy.short_abandon_ms,
            )
        )

    def _write_queued(self, turn: Turn, call: Call, waited_before_ms: int | None) -> None:
        turn.write(
            ledger.CallQueued(
                call_id=call.call_id,
                queue_id=call.queue_id,
                skills=tuple(sorted(call.skills)),
                priority=call.priority,
                customer_id=call.customer_id,
                waited_before_ms=waited_before_ms,
            )
        )

    def _add(self, fact: facts.CallArrived, now: Instant) -> Call:
        self._serial += 1
        call = Call(
            call_id=fact.call_id,
            queue_id=fact.queue_id,
            skills=fact.skills,
            priority=fact.priority,
            customer_id=fact.customer_id,
            queued_at=now,
            waits_since=now,
            serial=self._serial,
            has_asked=False,
            language=self._language,
            is_picked_up=fact.is_picked_up,
        )
        self._calls[call.call_id] = call
        return call
