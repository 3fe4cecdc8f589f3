"""A call's states and endings."""

from enum import StrEnum

from router.ids import CallId, CustomerId, QueueId, Skills
from router.values import value


class CallState(StrEnum):
    """Where a call stands at its origin, the one site that owns it."""

    IVR = "IVR"
    """Hears prompts and presses keys; nobody was asked for yet, so no wait is counted."""
    QUEUED = "QUEUED"
    """In its place in the queue; a hand-off may be asked for or dialled meanwhile."""
    OFFERED = "OFFERED"
    """Rings one local agent, or one named set of them."""
    OFFERED_REMOTE = "OFFERED_REMOTE"
    """Rings the reserved agent of a helper."""
    CONNECTED = "CONNECTED"
    HELD = "HELD"
    CONNECTED_REMOTE = "CONNECTED_REMOTE"
    """Talks to a helper's agent; the origin keeps the caller's leg."""
    ENDING = "ENDING"
    """Goes to voicemail or a callback request; no agent is looked for any more."""


class Language(StrEnum):
    """In what a caller is spoken to."""

    CHINESE = "zh-CN"
    ENGLISH = "en"


class Disposition(StrEnum):
    """How a call ended: exactly one each, written by the origin alone (docs: KPIs)."""

    ANSWERED = "ANSWERED"
    ABANDONED_IN_IVR = "ABANDONED_IN_IVR"
    ABANDONED_IN_QUEUE = "ABANDONED_IN_QUEUE"
    ABANDONED_RINGING = "ABANDONED_RINGING"
    VOICEMAIL = "VOICEMAIL"
    CALLBACK = "CALLBACK"
    TIMED_OUT = "TIMED_OUT"
    NO_AGENTS = "NO_AGENTS"
    AFTER_HOURS = "AFTER_HOURS"
    REJECTED = "REJECTED"
    REDIRECTED = "REDIRECTED"
    """Sent on to another site before anybody had answered: from there on it is that site's own call."""
    FAILED = "FAILED"


ABANDONED = frozenset(
    {Disposition.ABANDONED_IN_IVR, Disposition.ABANDONED_IN_QUEUE, Disposition.ABANDONED_RINGING}
)
"""All abandonments; those in the IVR are not offered (the clock starts at the IVR's exit)."""


@value
class CallContext:
    """What a site must know of a call to serve it; travels with a hand-off."""

    call_id: CallId
    queue_id: QueueId
    skills: Skills
    """All that an agent must have, the queue's own skills included."""
    priority: int
    """0 to 9; 9 is highest."""
    customer_id: CustomerId | None
    waited_ms: int
    """Since the call was first queued, when this was written."""
