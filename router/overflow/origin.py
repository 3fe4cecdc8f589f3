"""The origin's side of hand-offs: QUEUED, ASKING, RESERVED, DIALING, RINGING, CONNECTED.

The origin is the only arbiter of its calls. Until the helper's agent rings, the call keeps
its place here, and whoever is free first takes it; a refused, expired or failed hand-off
changes nothing in the queue.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from router import ledger
from router.acd.calls import Call, Calls
from router.acd.queues import Queues
from router.call import CallState
from router.ids import CallId, HandoffId, Instant, SiteId
from router.ledger import Decision, Role
from router.orders import Ask, BridgeTrunk, ConfirmHandoff, DialSite, HangUpTrunk
from router.overflow.board import Board
from router.overflow.links import Links
from router.overflow.messages import (
    Acknowledged,
    Cancel,
    Claim,
    Confirm,
    Given,
    HandoffState,
    Refusal,
    Refused,
    Reply,
)
from router.overflow.policy import OverflowPolicy
from router.recovery import LiveTrunk, OpenCall
from router.timers import Timers
from router.turn import Turn
from router.views import HandoffView

DIAL_TIMER = "dial"
HANDOFF_TIMER = "handoff"
RESEND_TIMER = "resend"
FORGET_TIMER = "forget_handoff"

_WITH_TRUNK = (HandoffState.DIALING, HandoffState.RINGING, HandoffState.CONNECTED)
_ANSWERED = (HandoffState.CONNECTED, HandoffState.MOVED)


@dataclass(slots=True)
class Handoff:
    """One hand-off of a call of ours, which has no leg here once it is MOVED.

    OVER is kept for the token's life, as a tombstone.
    """

    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    state: HandoffState
    is_confirmed: bool = False


class Origin:
    """All hand-offs of this site's calls."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        calls: Calls,
        queues: Queues,
        board: Board,
        links: Links,
        timers: Timers[tuple[str, str]],
    ) -> None:
        self._policy = policy
        self._calls = calls
        self._queues = queues
        self._board = board
        self._links = links
        self._timers = timers
        self._handoffs: dict[HandoffId, Handoff] = {}

    def find(self, handoff_id: HandoffId) -> Handoff | None:
        return self._handoffs.get(handoff_id)

    def views(self) -> Iterator[HandoffView]:
        for handoff in self._handoffs.values():
            if handoff.state is not HandoffState.OVER:
                yield HandoffView(
                    handoff_id=handoff.handoff_id,
                    role=Role.ORIGIN,
                    peer=handoff.peer,
                    state=handoff.state,
                    call_id=handoff.call_id,
                    agent_id=None,
                )

    # --- pull: another site's idle agent asks for a caller -----------------------------

    def claimed(self, turn: Turn, site_id: SiteId, claim: Claim) -> Reply:
        """Give the caller that our own distribution would give next to such an agent."""
        known = self._handoffs.get(claim.handoff_id)
        if known is not None:
            return self._answer_again(turn, known)
        call = self._next_for(claim)
        if call is None:
            return Refused(handoff_id=claim.handoff_id, reason=Refusal.NONE_WAITING)
        if self._links.headroom(site_id) <= 0:
            return Refused(handoff_id=claim.handoff_id, reason=Refusal.LINK_FULL)
        self.let_go(turn, call, "CLAIMED")
        handoff = self.begin(turn, claim.handoff_id, site_id, call, HandoffState.RESERVED)
        decision = Decision(rule="CLAIMED", view_age_ms=self._board.age_ms(turn.now), candidates=())
        self.dial(turn, handoff, claim.token, decision)
        return Given(handoff_id=claim.handoff_id, call=self._calls.context(call, turn.now))

    # --- the trunk leg -----------------------------------------------------------------

    def trunk_rang(self, turn: Turn, handoff: Handoff) -> None:
        """The helper's agent rings: from now on the call is out of its place here."""
        if handoff.state is not HandoffState.DIALING:
            return
        handoff.state = HandoffState.RINGING
        self._timers.cancel((DIAL_TIMER, handoff.handoff_id))
        call = self._calls.get(handoff.call_id)
        self._calls.take_out(call)
        call.state = CallState.OFFERED_REMOTE
        turn.write(
            ledger.HandoffRang(
                handoff_id=handoff.handoff_id, role=Role.ORIGIN, peer=handoff.peer, call_id=call.call_id
            )
        )

    def trunk_answered(self, turn: Turn, handoff: Handoff) -> None:
        if handoff.state not in (HandoffState.DIALING, HandoffState.RINGING):
            return
        handoff.state = HandoffState.CONNECTED
        self._cancel_timers(handoff)
        call = self._calls.get(handoff.call_id)
        self._calls.take_out(call)
        if not call.is_answered:
            call.is_answered, call.waited_ms = True, turn.now - call.queued_at
        call.state, call.talk_since = CallState.CONNECTED_REMOTE, turn.now
        turn.write(
            ledger.HandoffConnected(
                handoff_id=handoff.handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=call.call_id,
                agent_id=None,
            )
        )
        turn.write(
            ledger.CallConnected(
                call_id=call.call_id,
                queue_id=call.queue_id,
                agent_id=None,
                leg_id=None,
                handoff_id=handoff.handoff_id,
                served_by=handoff.peer,
                waited_ms=call.waited_ms,
            )
        )
        turn.order(BridgeTrunk(call_id=call.call_id, handoff_id=handoff.handoff_id))
        self._send_confirm(turn, handoff)

    def trunk_over(self, turn: Turn, handoff: Handoff, reason: str) -> None:
        """The trunk leg ended by the other side: back to its place, or the talk is over."""
        if handoff.state is HandoffState.CONNECTED:
            call = self._calls.get(handoff.call_id)
            self.end_connected(turn, handoff, call)
            self._calls.end_answered(turn, call, reason)
        elif handoff.state in _WITH_TRUNK:
            self.refused(turn, handoff, reason)

    # --- the call's own end of it ------------------------------------------------------

    def let_go(self, turn: Turn, call: Call, reason: str) -> None:
        """Cancel the hand-off in progress, if any: the call is served or given otherwise."""
        handoff = self._handoffs.get(call.handoff_id) if call.handoff_id is not None else None
        if handoff is None or handoff.state in _ANSWERED:
            return
        if handoff.state in _WITH_TRUNK:
            turn.order(HangUpTrunk(handoff_id=handoff.handoff_id))
        turn.write(
            ledger.HandoffCancelled(
                handoff_id=handoff.handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=call.call_id,
                reason=reason,
            )
        )
        self.send_cancel(turn, handoff.handoff_id, handoff.peer, reason)
        self.close(turn, handoff)

    def caller_gone(self, turn: Turn, call: Call) -> None:
        """The caller hung up, wherever the hand-off stands."""
        self.let_go(turn, call, "CALLER_GONE")
        handoff = self._handoffs.get(call.handoff_id) if call.handoff_id is not None else None
        if handoff is not None and handoff.state is HandoffState.CONNECTED:
            turn.order(HangUpTrunk(handoff_id=handoff.handoff_id))
            self.end_connected(turn, handoff, call)

    def pbx_silent(self, turn: Turn, reason: str) -> None:
        """Nobody can be dialled, and no answer bridged: whoever is not served yet is in its place again."""
        for handoff in list(self._handoffs.values()):
            if handoff.state in (HandoffState.OVER, *_ANSWERED):
                continue
            call = self._calls.get(handoff.call_id)
            self.let_go(turn, call, reason)
            if call.state is CallState.OFFERED_REMOTE:
                self._calls.line_up(turn, call)

    # --- deadlines and other replies ---------------------------------------------------

    def expire(self, turn: Turn, handoff_id: HandoffId) -> None:
        """Not ringing, or not connected, in its time: back to the call's place."""
        handoff = self._handoffs[handoff_id]
        call = self._calls.get(handoff.call_id)
        turn.write(
            ledger.HandoffExpired(
                handoff_id=handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=call.call_id,
                stage=handoff.state.value,
            )
        )
        if handoff.state in _WITH_TRUNK:
            turn.order(HangUpTrunk(handoff_id=handoff_id))
        self.send_cancel(turn, handoff_id, handoff.peer, "EXPIRED")
        self._board.avoid(handoff.peer)
        self._give_back(turn, handoff, call)

    def cancel_replied(self, turn: Turn, handoff_id: HandoffId, reply: Reply) -> None:
        """ALREADY_CONNECTED: the origin decides, and it has decided; the trunk leg goes down."""
        if isinstance(reply, Refused) and reply.reason is Refusal.ALREADY_CONNECTED:
            turn.order(HangUpTrunk(handoff_id=handoff_id))

    def confirm_replied(self, turn: Turn, handoff_id: HandoffId, reply: Reply) -> None:
        handoff = self._handoffs.get(handoff_id)
        if handoff is None:
            return
        handoff.is_confirmed = True
        is_over_there = isinstance(reply, Refused) and reply.reason is Refusal.CANCELLED
        if is_over_there and handoff.state is HandoffState.CONNECTED:
            turn.order(HangUpTrunk(handoff_id=handoff_id))
            self.trunk_over(turn, handoff, "OVER_AT_HELPER")

    def resend_later(self, turn: Turn, handoff_id: HandoffId) -> None:
        """A Cancel or Confirm got no answer; both are repeated while the hand-off is remembered."""
        if handoff_id in self._handoffs:
            self._timers.set((RESEND_TIMER, handoff_id), Instant(turn.now + self._policy.ask_again_ms))

    def resend(self, turn: Turn, handoff_id: HandoffId) -> None:
        handoff = self._handoffs.get(handoff_id)
        if handoff is None:
            return
        if handoff.state is HandoffState.OVER:
            self.send_cancel(turn, handoff_id, handoff.peer, "REPEATED")
        elif handoff.state is HandoffState.CONNECTED and not handoff.is_confirmed:
            self._send_confirm(turn, handoff)

    def forget(self, handoff_id: HandoffId) -> None:
        self._handoffs.pop(handoff_id, None)

    def cancelled_by_helper(
        self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, reason: str
    ) -> Reply | None:
        """The helper has no agent for it, or has lost the one who talks. None when it is unknown here."""
        handoff = self._handoffs.get(handoff_id)
        if handoff is None or handoff.peer != site_id:
            return None
        if handoff.state in _WITH_TRUNK:
            turn.order(HangUpTrunk(handoff_id=handoff_id))
        if handoff.state in _ANSWERED:
            call = self._calls.get(handoff.call_id)
            self.end_connected(turn, handoff, call, reason)
            self._calls.end_failed(turn, call, reason)
        elif handoff.state is not HandoffState.OVER:
            self.refused(turn, handoff, reason)
        return Acknowledged(handoff_id=handoff_id)

    # --- after a restart ---------------------------------------------------------------

    def resume_connected(self, turn: Turn, call: Call, open_call: OpenCall, trunk: LiveTrunk) -> None:
        """A talk over a trunk that outlived the process."""
        handoff = Handoff(trunk.handoff_id, trunk.peer, call.call_id, HandoffState.CONNECTED)
        self._handoffs[trunk.handoff_id] = handoff
        self._links.take(trunk.peer)
        call.handoff_id, call.state = trunk.handoff_id, CallState.CONNECTED_REMOTE
        call.talk_since = open_call.connected_at
        turn.order(BridgeTrunk(call_id=call.call_id, handoff_id=trunk.handoff_id))
        self._send_confirm(turn, handoff)

    def resume_moved(
        self, call: Call, open_call: OpenCall, handoff_id: HandoffId, peer: SiteId, state: HandoffState
    ) -> Handoff:
        """A talk that the helper alone knows the state of: CONNECTED while it was being moved, else MOVED."""
        handoff = self._handoffs[handoff_id] = Handoff(handoff_id, peer, call.call_id, state)
        if state is HandoffState.CONNECTED:
            self._links.take(peer)
        call.handoff_id, call.state = handoff_id, CallState.CONNECTED_REMOTE
        call.talk_since = open_call.connected_at
        return handoff

    def drop_trunk(self, turn: Turn, trunk: LiveTrunk, call_id: CallId) -> None:
        """A hand-off that wasn't connected when the process died never will be."""
        self._handoffs[trunk.handoff_id] = Handoff(trunk.handoff_id, trunk.peer, call_id, HandoffState.OVER)
        self._forget_later(turn, trunk.handoff_id)
        turn.order(HangUpTrunk(handoff_id=trunk.handoff_id))
        turn.write(
            ledger.HandoffCancelled(
                handoff_id=trunk.handoff_id,
                role=Role.ORIGIN,
                peer=trunk.peer,
                call_id=call_id,
                reason="NODE_RESTARTED",
            )
        )
        self.send_cancel(turn, trunk.handoff_id, trunk.peer, "NODE_RESTARTED")

    # --- inside ------------------------------------------------------------------------

    def begin(
        self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, call: Call, state: HandoffState
    ) -> Handoff:
        assert call.handoff_id is None, f"{call.call_id} is being handed off already"
        handoff = Handoff(handoff_id, site_id, call.call_id, state)
        self._handoffs[handoff_id] = handoff
        call.handoff_id = handoff_id
        self._links.take(site_id)
        self._timers.set((HANDOFF_TIMER, handoff_id), Instant(turn.now + self._policy.handoff_limit_ms))
        return handoff

    def dial(self, turn: Turn, handoff: Handoff, token: str, decision: Decision | None) -> None:
        handoff.state = HandoffState.DIALING
        self._calls.waiting.mark_dialled(handoff.call_id, is_dialled=True)
        self._timers.set((DIAL_TIMER, handoff.handoff_id), Instant(turn.now + self._policy.reservation_ms))
        turn.write(
            ledger.HandoffDialed(
                handoff_id=handoff.handoff_id,
                peer=handoff.peer,
                call_id=handoff.call_id,
                decision=decision,
            )
        )
        turn.order(
            DialSite(
                handoff_id=handoff.handoff_id, call_id=handoff.call_id, site_id=handoff.peer, token=token
            )
        )

    def refused(self, turn: Turn, handoff: Handoff, reason: str) -> None:
        """The other side won't, or its phone didn't: another site may be asked at once."""
        turn.write(
            ledger.HandoffRefused(
                handoff_id=handoff.handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=handoff.call_id,
                reason=reason,
            )
        )
        call = self._calls.get(handoff.call_id)
        if reason == Refusal.NO_IDLE_AGENT and self._has_no_wish(call):
            self._board.hear_of_no_agent(handoff.peer, call.queue_id, turn.now)
        else:
            self._board.avoid(handoff.peer)
        self._give_back(turn, handoff, call)

    def _has_no_wish(self, call: Call) -> bool:
        """Whether any agent of its queue can serve it: only then a refusal says that nobody is idle."""
        queue = self._queues.find(call.queue_id)
        return queue is not None and call.skills <= queue.policy.skills

    def _give_back(self, turn: Turn, handoff: Handoff, call: Call) -> None:
        """The call is where it was before the hand-off began."""
        self.close(turn, handoff)
        if call.state is CallState.OFFERED_REMOTE:
            self._calls.line_up(turn, call)
        else:
            turn.unserved[call.call_id] = None

    def close(self, turn: Turn, handoff: Handoff) -> None:
        if handoff.state is not HandoffState.MOVED:
            self._links.give_back(handoff.peer)
        handoff.state = HandoffState.OVER
        self._cancel_timers(handoff)
        call = self._calls.find(handoff.call_id)
        if call is not None:
            call.handoff_id = None
            if call.call_id in self._calls.waiting:
                self._calls.waiting.mark_dialled(call.call_id, is_dialled=False)
        self._forget_later(turn, handoff.handoff_id)

    def end_connected(self, turn: Turn, handoff: Handoff, call: Call, reason: str | None = None) -> None:
        """The talk of an answered hand-off is over; the call's own ending is the caller's of this."""
        self._calls.close_talk(turn, call)
        turn.write(
            ledger.HandoffEnded(
                handoff_id=handoff.handoff_id,
                role=Role.ORIGIN,
                peer=handoff.peer,
                call_id=call.call_id,
                agent_id=None,
                talk_ms=call.talk_ms,
                reason=reason,
            )
        )
        self.close(turn, handoff)

    def _answer_again(self, turn: Turn, handoff: Handoff) -> Reply:
        call = self._calls.find(handoff.call_id)
        if handoff.state is HandoffState.OVER or call is None:
            return Refused(handoff_id=handoff.handoff_id, reason=Refusal.CANCELLED)
        return Given(handoff_id=handoff.handoff_id, call=self._calls.context(call, turn.now))

    def _next_for(self, claim: Claim) -> Call | None:
        if not self._policy.is_enabled:
            return None
        queues = frozenset(q.policy.queue_id for q in self._queues if q.policy.is_overflow_allowed)
        call_id = self._calls.waiting.next_free_for(claim.skills, queues)
        return self._calls.get(call_id) if call_id is not None else None

    def send_cancel(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, reason: str) -> None:
        turn.order(Ask(site_id=site_id, request=Cancel(handoff_id=handoff_id, reason=reason)))

    def _send_confirm(self, turn: Turn, handoff: Handoff) -> None:
        turn.order(ConfirmHandoff(site_id=handoff.peer, request=Confirm(handoff_id=handoff.handoff_id)))

    def _cancel_timers(self, handoff: Handoff) -> None:
        self._timers.cancel((HANDOFF_TIMER, handoff.handoff_id))
        self._timers.cancel((DIAL_TIMER, handoff.handoff_id))

    def _forget_later(self, turn: Turn, handoff_id: HandoffId) -> None:
        self._timers.set((FORGET_TIMER, handoff_id), Instant(turn.now + self._policy.handoff_limit_ms))
