"""A hand-off between two sites, as each of them writes it down."""

from enum import StrEnum
from typing import ClassVar

from router.ids import (
    AgentId,
    CallId,
    CustomerId,
    HandoffId,
    QueueId,
    SiteId,
    Skill,
)
from router.ledger.entry import Entry
from router.values import value


class Role(StrEnum):
    """On which side of a hand-off the writer stands."""

    ORIGIN = "ORIGIN"
    HELPER = "HELPER"


@value
class Decision:
    """Why this site was chosen: what `trunkline explain` prints."""

    rule: str
    """PUSH_BY_SCORE, PUSH_AT_RANDOM, PUSH_UNSHOWN, PUSH_BLIND, PULL_LONGEST_WAIT, PULL_BLIND, or CLAIMED."""
    view_age_ms: int | None
    candidates: tuple[tuple[SiteId, int, float], ...]
    """Each with the version of its record and its score in seconds: a push's is the link's cost, the
    lowest is best; a pull's is the head call's wait less that cost, the highest is best."""
    seen: tuple[tuple[int, int], ...] | None = None
    """Beside each candidate: how long ago its record had come, in ms, and what it showed, own asks since
    taken off: idle agents for a push, waiting callers for a pull."""
    candidate_count: int | None = None
    """How many it was chosen among; `candidates` holds the first few."""
    home_wait_ms: int | None = None
    """A push: what it saves those who wait at home, all together; FOREVER_MS when nobody works there."""


@value
class HandoffAsked(Entry):
    kind: ClassVar[str] = "HANDOFF_ASKED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    """None for a claim: the origin says which call it gives."""
    decision: Decision


@value
class HandoffRefused(Entry):
    kind: ClassVar[str] = "HANDOFF_REFUSED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    reason: str


@value
class HandoffReserved(Entry):
    """An agent is kept: written by the helper when it does, by the origin when it hears so."""

    kind: ClassVar[str] = "HANDOFF_RESERVED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    agent_id: AgentId | None


@value
class HandoffDialed(Entry):
    """Committed at the origin before the INVITE leaves."""

    kind: ClassVar[str] = "HANDOFF_DIALED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    decision: Decision | None
    """Set when a claim led here without an ask of our own."""


@value
class HandoffRang(Entry):
    """At the origin: the helper's agent rings, the call has left its place in the queue."""

    kind: ClassVar[str] = "HANDOFF_RANG"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId


@value
class HandoffConnected(Entry):
    """At the helper: its agent answered. At the origin: caller and trunk are bridged."""

    kind: ClassVar[str] = "HANDOFF_CONNECTED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId
    agent_id: AgentId | None


@value
class HandoffConfirmed(Entry):
    """At the helper: the origin said that it bridged. Only these count as overflow in."""

    kind: ClassVar[str] = "HANDOFF_CONFIRMED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId


@value
class HandoffMoving(Entry):
    """At the origin, committed before the caller's carrier is asked to call the helper."""

    kind: ClassVar[str] = "HANDOFF_MOVING"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId


@value
class HandoffMoved(Entry):
    """The caller's media goes to the helper without the origin's PBX; the call stays the origin's."""

    kind: ClassVar[str] = "HANDOFF_MOVED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId


@value
class HandoffStayed(Entry):
    """At the origin: the move came to nothing, caller and trunk are bridged as before."""

    kind: ClassVar[str] = "HANDOFF_STAYED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    reason: str
    """NOT_MOVED: the carrier answered and has not moved it. CARRIER_SILENT: it has not even answered."""


@value
class HandoffRedirected(Entry):
    """At the origin, committed before the caller is sent on: the call ends here as REDIRECTED."""

    kind: ClassVar[str] = "HANDOFF_REDIRECTED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId


@value
class HandoffPromised(Entry):
    """At the helper, committed before the token leaves: whoever comes with it in time is queued here.

    All that its queueing needs stands here, since a restart forgets the rest.
    """

    kind: ClassVar[str] = "HANDOFF_PROMISED"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    """The origin's."""
    own_call_id: CallId
    """What the caller's call will be here."""
    queue_id: QueueId
    skills: tuple[Skill, ...]
    priority: int
    customer_id: CustomerId | None
    waited_ms: int
    """At the origin, when it asked."""
    token_hash: str
    """SHA-256 of the token in hexadecimal, by which it is known again after a restart."""


@value
class HandoffTakenIn(Entry):
    """At the helper: the redirected caller has come, and is a caller of this site."""

    kind: ClassVar[str] = "HANDOFF_TAKEN_IN"
    handoff_id: HandoffId
    peer: SiteId
    call_id: CallId
    """This site's own; not the one that the origin had."""
    origin_call_id: CallId


@value
class HandoffExpired(Entry):
    kind: ClassVar[str] = "HANDOFF_EXPIRED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    stage: str


@value
class HandoffCancelled(Entry):
    kind: ClassVar[str] = "HANDOFF_CANCELLED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId | None
    reason: str


@value
class HandoffEnded(Entry):
    """A connected hand-off is over; the helper writes its agent's talk time."""

    kind: ClassVar[str] = "HANDOFF_ENDED"
    handoff_id: HandoffId
    role: Role
    peer: SiteId
    call_id: CallId
    agent_id: AgentId | None
    talk_ms: int
    reason: str | None = None
    """Why, when nobody hung up."""
