"""How far a hand-off came, as one side's record says."""

from enum import StrEnum


class HandoffStage(StrEnum):
    """The last step that this side wrote down."""

    ASKED = "ASKED"
    RESERVED = "RESERVED"
    DIALED = "DIALED"
    RANG = "RANG"
    CONNECTED = "CONNECTED"
    ENDED = "ENDED"
    """Was connected, or its caller was sent on, and is over."""
    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


OVER = frozenset({HandoffStage.ENDED, HandoffStage.REFUSED, HandoffStage.EXPIRED, HandoffStage.CANCELLED})
"""Nothing follows these, but for the helper's wrap-up after ENDED."""
