"""The helper's side of a redirect: whoever comes with the token is a caller of this site's own.

With the reservation goes a promise, which outlives it, and a restart too: until the token's time is
over its one INVITE is queued here, in the place that the caller's whole wait gives it, whether an agent
is still kept for it or not.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from router import facts, ledger
from router.acd.calls import Calls
from router.acd.queues import Queues
from router.call import CallContext
from router.ids import CallId, HandoffId, Instant, SiteId
from router.ledger import Role
from router.orders import RejectTrunk
from router.overflow.helper import HelperSide
from router.overflow.messages import HandoffState, Redirect
from router.overflow.policy import OverflowPolicy
from router.overflow.redirect_words import PROMISED
from router.overflow.trunk_refusal import TrunkRefusal
from router.recovery import OpenPromise
from router.timers import Timers
from router.turn import Turn

PROMISE_TIMER = "promise"


def token_hash(token: str) -> str:
    """What may be written down of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Promise:
    peer: SiteId
    call: CallContext
    own_call_id: CallId
    queued_at: Instant
    """When the caller first asked for a person, as far as its origin's word goes."""
    token_hash: str


class TakingIn:
    """The callers whom this site waits for."""

    def __init__(
        self,
        *,
        policy: OverflowPolicy,
        helper: HelperSide,
        calls: Calls,
        queues: Queues,
        timers: Timers[tuple[str, str]],
        new_id: Callable[[], str],
    ) -> None:
        self._policy = policy
        self._helper = helper
        self._calls = calls
        self._queues = queues
        self._timers = timers
        self._new_id = new_id
        self._promises: dict[HandoffId, _Promise] = {}

    # --- the promise -------------------------------------------------------------------

    def promise(self, turn: Turn, site_id: SiteId, request: Redirect, token: str) -> None:
        """An agent is kept; its caller will be taken in. Promised again, it is the same promise."""
        if request.handoff_id in self._promises:
            return
        call = request.call
        promise = self._promises[request.handoff_id] = _Promise(
            peer=site_id,
            call=call,
            own_call_id=CallId(self._new_id()),
            queued_at=Instant(turn.now - call.waited_ms),
            token_hash=token_hash(token),
        )
        self._helper.note_promised(request.handoff_id)
        self._wait_for(turn, request.handoff_id)
        turn.write(
            ledger.HandoffPromised(
                handoff_id=request.handoff_id,
                peer=site_id,
                call_id=call.call_id,
                own_call_id=promise.own_call_id,
                queue_id=call.queue_id,
                skills=tuple(sorted(call.skills)),
                priority=call.priority,
                customer_id=call.customer_id,
                waited_ms=call.waited_ms,
                token_hash=promise.token_hash,
            )
        )

    def known_by(self, hash_: str, site_id: SiteId) -> HandoffId | None:
        """The open promise whose token that is, shown by the site that it was given to."""
        for handoff_id, promise in self._promises.items():
            if promise.token_hash == hash_ and promise.peer == site_id:
                return handoff_id
        return None

    def own_call(self, handoff_id: HandoffId, site_id: SiteId) -> CallId | None:
        """What the caller's call will be here; None where no caller of that site is waited for."""
        promise = self._promises.get(handoff_id)
        return promise.own_call_id if promise is not None and promise.peer == site_id else None

    # --- the caller --------------------------------------------------------------------

    def expects(self, handoff_id: HandoffId) -> bool:
        return handoff_id in self._promises

    def invited(self, turn: Turn, handoff_id: HandoffId, from_site: SiteId) -> None:
        """The caller is here: the reservation is over, and whoever is idle serves who has waited longest."""
        promise = self._promises[handoff_id]
        if promise.peer != from_site:
            turn.order(RejectTrunk(handoff_id=handoff_id, reason=TrunkRefusal.FOREIGN))
            return
        self._forget(handoff_id)
        call = promise.call
        arrival = facts.CallArrived(
            call_id=promise.own_call_id,
            queue_id=call.queue_id,
            # What was dialled has the token in it.
            dialled=f"overflow.{promise.peer}",
            customer_id=call.customer_id,
            priority=call.priority,
            skills=call.skills,
        )
        turn.write(
            ledger.HandoffTakenIn(
                handoff_id=handoff_id,
                peer=promise.peer,
                call_id=promise.own_call_id,
                origin_call_id=call.call_id,
            )
        )
        self._calls.take_in(turn, arrival, waited_ms=turn.now - promise.queued_at)
        self._helper.taken_in(turn, handoff_id)

    # --- its end -----------------------------------------------------------------------

    def cancelled(self, turn: Turn, handoff_id: HandoffId, site_id: SiteId, reason: str) -> None:
        """The origin will not send the caller; while an agent is kept, the helper's side writes that."""
        promise = self._promises.get(handoff_id)
        if promise is None or promise.peer != site_id:
            return
        self._forget(handoff_id)
        help_ = self._helper.find(handoff_id)
        if help_ is None or help_.state is HandoffState.OVER:
            turn.write(
                ledger.HandoffCancelled(
                    handoff_id=handoff_id,
                    role=Role.HELPER,
                    peer=promise.peer,
                    call_id=promise.call.call_id,
                    reason=reason,
                )
            )

    def expire(self, turn: Turn, handoff_id: HandoffId) -> None:
        """The token's time is over, and nobody has come."""
        promise = self._promises.pop(handoff_id)
        turn.write(
            ledger.HandoffExpired(
                handoff_id=handoff_id,
                role=Role.HELPER,
                peer=promise.peer,
                call_id=promise.call.call_id,
                stage=PROMISED,
            )
        )

    def _forget(self, handoff_id: HandoffId) -> None:
        del self._promises[handoff_id]
        self._timers.cancel((PROMISE_TIMER, handoff_id))

    # --- after a restart ---------------------------------------------------------------

    def resume(self, turn: Turn, open_: OpenPromise) -> None:
        """With its whole time anew, whatever the wall clock says; a queue that is gone takes nobody in."""
        if self._queues.find(open_.call.queue_id) is None:
            return
        self._promises[open_.handoff_id] = _Promise(
            peer=open_.peer,
            call=open_.call,
            own_call_id=open_.own_call_id,
            queued_at=open_.queued_at,
            token_hash=open_.token_hash,
        )
        self._wait_for(turn, open_.handoff_id)

    def _wait_for(self, turn: Turn, handoff_id: HandoffId) -> None:
        self._timers.set((PROMISE_TIMER, handoff_id), Instant(turn.now + self._policy.promise_ms))
