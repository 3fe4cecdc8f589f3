"""A helper's hand-offs that it has ended by itself: their origins are told until they answer.

A trunk leg that ends tells the other PBX so, but a PBX that dies tells nobody: its callers
would wait for a phone that never rings, or listen to silence, until a deadline came.
"""

from dataclasses import dataclass

from router.ids import HandoffId, Instant, SiteId
from router.orders import Ask
from router.overflow.messages import Acknowledged, Cancel, Reply
from router.overflow.policy import OverflowPolicy
from router.timers import Timers
from router.turn import Turn

TELL_AGAIN_TIMER = "tell_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Untold:
    """A Cancel that nobody has answered."""

    origin: SiteId
    reason: str
    until: Instant
    """No origin waits for the hand-off any longer, but one that talks, whose own PBX hears the silence."""


class TakingBack:
    """The Cancels under way from this site as a helper."""

    def __init__(self, policy: OverflowPolicy, timers: Timers[tuple[str, str]]) -> None:
        self._policy = policy
        self._timers = timers
        self._untold: dict[HandoffId, _Untold] = {}

    def tell(self, turn: Turn, handoff_id: HandoffId, origin: SiteId, reason: str) -> None:
        until = Instant(turn.now + self._policy.handoff_limit_ms)
        self._untold[handoff_id] = _Untold(origin=origin, reason=reason, until=until)
        self._send(turn, handoff_id)

    def answered(self, turn: Turn, handoff_id: HandoffId, reply: Reply) -> None:
        """An origin that starts anew, or is about to end, refuses and has not heard: it is told again."""
        if isinstance(reply, Acknowledged):
            self._untold.pop(handoff_id, None)
            self._timers.cancel((TELL_AGAIN_TIMER, handoff_id))
        else:
            self.silent(turn, handoff_id)

    def silent(self, turn: Turn, handoff_id: HandoffId) -> None:
        if handoff_id in self._untold:
            self._timers.set((TELL_AGAIN_TIMER, handoff_id), Instant(turn.now + self._policy.ask_again_ms))

    def tell_again(self, turn: Turn, handoff_id: HandoffId) -> None:
        if turn.now < self._untold[handoff_id].until:
            self._send(turn, handoff_id)
        else:
            del self._untold[handoff_id]

    def _send(self, turn: Turn, handoff_id: HandoffId) -> None:
        untold = self._untold[handoff_id]
        # Set whatever comes of it: what nobody answers must not be kept for ever.
        self._timers.set((TELL_AGAIN_TIMER, handoff_id), untold.until)
        cancel = Cancel(handoff_id=handoff_id, reason=untold.reason)
        turn.order(Ask(site_id=untold.origin, request=cancel))
