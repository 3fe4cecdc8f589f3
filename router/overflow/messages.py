"""What origin and helper say to each other. Every message names its hand-off.

Requests may be repeated: within the token's life a repeated one is answered alike.
"""

from enum import StrEnum

from router.call import CallContext
from router.ids import CallId, HandoffId, QueueId, Skills
from router.values import value


class HandoffState(StrEnum):
    """A hand-off as one side sees it; the answer to GetHandoff."""

    UNKNOWN = "UNKNOWN"
    ASKING = "ASKING"
    RESERVED = "RESERVED"
    DIALING = "DIALING"
    RINGING = "RINGING"
    CONNECTED = "CONNECTED"
    MOVED = "MOVED"
    """Connected, and the caller's media goes to the helper without the origin's PBX."""
    OVER = "OVER"
    """Refused, expired, cancelled or ended; it will never ring or connect again."""


class Refusal(StrEnum):
    """Why a request of another site is refused."""

    NO_IDLE_AGENT = "NO_IDLE_AGENT"
    OWN_LOSS = "OWN_LOSS"
    """An agent is idle, but one more help might cost the site's own callers more than it allows."""
    NONE_WAITING = "NONE_WAITING"
    QUEUE_UNKNOWN = "QUEUE_UNKNOWN"
    NOT_ACCEPTING = "NOT_ACCEPTING"
    STALE_INCARNATION = "STALE_INCARNATION"
    ALREADY_CONNECTED = "ALREADY_CONNECTED"
    CANCELLED = "CANCELLED"
    """The hand-off was cancelled before this message came."""
    LINK_FULL = "LINK_FULL"
    NOT_ALLOWED = "NOT_ALLOWED"
    """No route of the asked site lets this guest dial that number."""
    NO_LINE = "NO_LINE"
    LIMIT = "LIMIT"
    """The line has as many outbound calls as it may."""


@value
class Reserve:
    """Origin to helper: keep an idle agent for this call."""

    handoff_id: HandoffId
    call: CallContext
    timeout_ms: int
    """How long the asker will wait for the answer; relative, since clocks are never compared."""


@value
class Redirect(Reserve):
    """The same for a caller who will come by itself, and be yours from then on.

    A kind of its own: a helper that knows nothing of it must refuse, not keep an agent for a trunk leg.
    """


@value
class Claim:
    """Helper to origin: an agent of mine is idle and kept; give me your next caller for it."""

    handoff_id: HandoffId
    skills: Skills
    token: str
    """Opaque here; the helper's own trunk will ask for it."""
    timeout_ms: int


@value
class Confirm:
    """Origin to helper: caller and agent are bridged."""

    handoff_id: HandoffId


@value
class Cancel:
    """Either way: this hand-off must not ring or connect any more.

    A helper whose agent's leg is lost says so of one that is connected, too, and its origin ends the call.
    """

    handoff_id: HandoffId
    reason: str


@value
class GetHandoff:
    """Either way: what do you know of this hand-off?"""

    handoff_id: HandoffId


@value
class ReserveLine:
    """An agent of mine wants to dial this number out of a line of yours."""

    handoff_id: HandoffId
    call_id: CallId
    number: str
    """E.164; never written down by whoever is asked."""
    timeout_ms: int


@value
class Move:
    """Origin to helper: give me a token, and I will have this talk's caller sent to your PBX with it."""

    handoff_id: HandoffId
    move_id: HandoffId
    """Minted by the origin for this one INVITE, which is no hand-off of its own."""


@value
class TellHandoff:
    """Helper to origin: what you would hear of this hand-off if you asked. Lost, it is asked for."""

    handoff_id: HandoffId
    state: HandoffState
    """MOVED, or OVER of one that was."""
    talk_ms: int | None = None


HandoffRequest = Reserve | Claim | Confirm | Cancel | GetHandoff | Move | TellHandoff
Request = HandoffRequest | ReserveLine


@value
class Reserved:
    """An agent, or a line, is kept until the reservation's end, or a caller's own INVITE is waited for;
    dial with the token.
    """

    handoff_id: HandoffId
    token: str


@value
class Given:
    """The answer to a claim: this call's INVITE is on its way with the claim's token."""

    handoff_id: HandoffId
    call: CallContext


@value
class Refused:
    handoff_id: HandoffId
    reason: Refusal


@value
class Acknowledged:
    """The answer to Confirm, Cancel and TellHandoff."""

    handoff_id: HandoffId


@value
class HandoffSeen:
    """The answer to GetHandoff."""

    handoff_id: HandoffId
    state: HandoffState
    call_id: CallId | None
    queue_id: QueueId | None
    talk_ms: int | None = None
    """Of a talk that is over, as the helper has measured it."""


Reply = Reserved | Given | Refused | Acknowledged | HandoffSeen
