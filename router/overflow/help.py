"""One hand-off at the helper that serves it, and which INVITE it lets in."""

from dataclasses import dataclass

from router.call import CallContext
from router.ids import AgentId, HandoffId, Instant, LegId, SiteId
from router.overflow.messages import HandoffState, Reply
from router.overflow.trunk_refusal import TrunkRefusal


@dataclass(slots=True)
class Help:
    """One hand-off that this site serves. OVER is kept for the token's life, as a tombstone."""

    handoff_id: HandoffId
    peer: SiteId
    state: HandoffState
    agent_id: AgentId | None = None
    call: CallContext | None = None
    """None while a claim is under way: the origin says which call it gives."""
    leg_id: LegId | None = None
    is_trunk_here: bool = False
    """The INVITE came, perhaps before the answer to our claim."""
    is_expired: bool = False
    """It is over since no INVITE came in time."""
    is_second_try: bool = False
    is_confirmed: bool = False
    is_promised: bool = False
    """Its caller comes by itself, and is this site's own from then on."""
    is_moved: bool = False
    """The caller's own carrier is on the trunk leg's place."""
    connected_at: Instant | None = None
    talk_ms: int | None = None
    """Of a talk that is over."""
    answer: Reply | None = None
    """What was answered to the Reserve, to be answered alike when it is repeated."""

    @property
    def shown_state(self) -> HandoffState:
        """For others: whether a talk was moved is its state to them."""
        return HandoffState.MOVED if self.is_moved and self.state is HandoffState.CONNECTED else self.state


def refusal_of(help_: Help, site_id: SiteId) -> TrunkRefusal | None:
    """Why an INVITE of that site rings nobody here; None: it is the one that is waited for."""
    if help_.peer != site_id:
        return TrunkRefusal.FOREIGN
    if help_.state is not HandoffState.OVER:
        return TrunkRefusal.USED if help_.is_trunk_here else None
    if help_.is_trunk_here:
        return TrunkRefusal.ENDED
    return TrunkRefusal.EXPIRED if help_.is_expired else TrunkRefusal.CANCELLED
