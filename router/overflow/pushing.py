"""Push: a caller that finds nobody idle at home is asked for at a site that shows idle agents.

At most two sites a call, one after the other; then a pause. A refusal or silence changes
nothing in the queue, and takes the site out of the choice until its record changes.
"""

from collections.abc import Callable

from router import ledger
from router.acd.calls import Call, Calls
from router.acd.history import expected_wait_s
from router.acd.queues import Queue, Queues
from router.acd.roster import Roster
from router.acd.silence import PbxSilence
from router.ids import HandoffId, Instant, QueueId, SiteId
from router.ledger import Role
from router.orders import Ask
from router.overflow.board import Board
from router.overflow.choice import Chooser
from router.overflow.messages import HandoffState, Redirect, Refusal, Refused, Reply, Reserve, Reserved
from router.overflow.origin import Origin
from router.overflow.policy import OverflowPolicy
from router.overflow.redirecting import Redirecting
from router.timers import Timers
from router.turn import Turn

ASK_AGAIN_TIMER = "ask_again"

_CALLS_LOOKED_AT = 8
"""Waiting calls for which an agent is sought at once; the rest come up as these are placed."""


class Pushing:
    """Which of our waiting calls are asked for elsewhere, and what becomes of the asking."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        origin: Origin,
        redirecting: Redirecting,
        calls: Calls,
        roster: Roster,
        queues: Queues,
        board: Board,
        chooser: Chooser,
        silence: PbxSilence,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._policy = policy
        self._origin = origin
        self._redirecting = redirecting
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._board = board
        self._chooser = chooser
        self._silence = silence
        self._timers = timers
        self._new_id = new_id

    def push(self, turn: Turn, queue_id: QueueId) -> None:
        """Seek a helper for the most senior calls of a queue that nobody was asked for yet."""
        queue = self._queues.find(queue_id)
        if queue is None or not (self._policy.is_enabled and queue.policy.is_overflow_allowed):
            return
        senior = [self._calls.get(c) for c in self._calls.waiting.first_free(queue_id, _CALLS_LOOKED_AT)]
        for call in senior:
            is_askable = call.handoff_id is None and len(call.asked) < self._policy.asks_per_call
            # Nobody is asked for what a silent PBX would not dial.
            if is_askable and (self._silence.is_on or not self._ask(turn, call, queue)):
                break
        if senior and not self._timers.is_set((ASK_AGAIN_TIMER, queue_id)):
            self._timers.set((ASK_AGAIN_TIMER, queue_id), Instant(turn.now + self._policy.ask_again_ms))

    def ask_again(self, turn: Turn, queue_id: QueueId) -> None:
        """A second later the same sites may be asked again."""
        for call_id in self._calls.waiting.first_free(queue_id, _CALLS_LOOKED_AT):
            self._calls.get(call_id).asked.clear()
        self.push(turn, queue_id)

    def reserve_replied(self, turn: Turn, site_id: SiteId, request: Reserve, reply: Reply) -> None:
        handoff = self._origin.find(request.handoff_id)
        is_wanted = handoff is not None and handoff.state is HandoffState.ASKING
        if isinstance(reply, Reserved):
            if handoff is None or not is_wanted:
                self._origin.send_cancel(turn, request.handoff_id, site_id, "LATE")
                return
            handoff.state = HandoffState.RESERVED
            turn.write(
                ledger.HandoffReserved(
                    handoff_id=handoff.handoff_id,
                    role=Role.ORIGIN,
                    peer=site_id,
                    call_id=handoff.call_id,
                    agent_id=None,
                )
            )
            self._origin.dial(turn, handoff, reply.token, None)
        elif handoff is not None and is_wanted:
            reason = reply.reason if isinstance(reply, Refused) else Refusal.CANCELLED
            self._origin.refused(turn, handoff, reason.value)

    def reserve_silent(self, turn: Turn, site_id: SiteId, request: Reserve) -> None:
        """No answer: the request may have arrived, so it is taken back."""
        handoff = self._origin.find(request.handoff_id)
        if handoff is not None and handoff.state is HandoffState.ASKING:
            self._origin.send_cancel(turn, handoff.handoff_id, site_id, "SILENT")
            self._origin.refused(turn, handoff, "SILENT")

    # --- inside --------------------------------------------------------------------------

    def _ask(self, turn: Turn, call: Call, queue: Queue) -> bool:
        # Who leaves the line lets everybody behind move up: together they save what the last one waits.
        behind_count = self._calls.waiting.count(call.queue_id) - self._calls.waiting.position(call.call_id)
        home_wait_s = expected_wait_s(
            ahead_count=behind_count,
            staffed_count=self._roster.staffed_count(call.skills),
            aht_ms=queue.history.aht_ms(turn.now),
            abandon_rate_per_hour=queue.history.abandon_rate_per_hour(turn.now),
        )
        choice = self._chooser.helper_for(call.queue_id, home_wait_s, call.asked, turn.now)
        if choice is None:
            return False
        handoff_id = HandoffId(self._new_id())
        call.asked.append(choice.site_id)
        self._board.note_push(choice.site_id, call.queue_id, turn.now)
        self._origin.begin(turn, handoff_id, choice.site_id, call, HandoffState.ASKING)
        turn.write(
            ledger.HandoffAsked(
                handoff_id=handoff_id,
                role=Role.ORIGIN,
                peer=choice.site_id,
                call_id=call.call_id,
                decision=choice.decision,
            )
        )
        is_redirect = self._redirecting.wants(call, choice.site_id)
        if is_redirect:
            self._redirecting.note_asked(call, handoff_id)
        kind = Redirect if is_redirect else Reserve
        reserve = kind(
            handoff_id=handoff_id,
            call=self._calls.context(call, turn.now),
            timeout_ms=self._policy.rpc_limit_ms,
        )
        turn.order(Ask(site_id=choice.site_id, request=reserve))
        return True
