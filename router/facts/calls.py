"""Of callers, phones and trunks, told by the telephony adapter."""

from router.agent import RingFailure
from router.ids import (
    CallId,
    CustomerId,
    HandoffId,
    LegId,
    PlaybackId,
    QueueId,
    RecordingId,
    SiteId,
    Skills,
)
from router.values import value


@value
class CallArrived:
    """A caller has asked for a person in `queue_id`, or, at a site with an IVR, for whatever it offers."""

    call_id: CallId
    queue_id: QueueId
    dialled: str
    customer_id: CustomerId | None = None
    priority: int = 0
    """0 to 9; 9 is highest."""
    skills: Skills = frozenset()
    """Wanted beyond the queue's own."""
    customer_class: str | None = None
    """Of the customer whose number calls; None: nobody knows the caller."""
    is_picked_up: bool = False
    """The PBX has answered it by itself: it cannot be sent on."""


@value
class CallerHungUp:
    call_id: CallId


@value
class CallFailed:
    """The PBX lost the call's media; `reason` is its word."""

    call_id: CallId
    reason: str


@value
class PbxDied:
    """Every channel that the PBX held is gone, and each one's own end is told after this; `reason` is why.

    Agents whose phones hang on it were told to be unreachable before.
    """

    reason: str


@value
class PbxSilent:
    """The PBX answers nothing, frozen or cut off: it rings and dials nobody. What it holds may live on."""


@value
class PbxHeard:
    """The PBX answers, and all that was missed has been told."""


@value
class CallerChoseVoicemail:
    call_id: CallId


@value
class CallerChoseCallback:
    call_id: CallId


@value
class VoicemailRecorded:
    call_id: CallId


@value
class MessageFound:
    """A message that the PBX took by itself while no branch was there; its caller is gone."""

    call_id: CallId
    """Always the same for this message; whoever tells of it asks the ledger first."""
    queue_id: QueueId
    dialled: str
    customer_id: CustomerId | None


@value
class CallerLeftAlone:
    """The PBX met a caller by itself while no branch was there, and took no message; the caller is gone."""

    call_id: CallId
    """Always the same for this caller; whoever tells of it asks the ledger first."""
    queue_id: QueueId
    dialled: str
    customer_id: CustomerId | None
    was_put_through: bool
    """Somebody at the number that the site has for such times has answered; no agent of ours."""


@value
class KeyPressed:
    """In the order in which the caller pressed them, each once."""

    call_id: CallId
    key: str


@value
class PromptsPlayed:
    """What `PlayPrompts` or `Announce` began has come to its end, heard or not."""

    call_id: CallId
    playback_id: PlaybackId


@value
class CustomerFound:
    """The number that the caller has entered is this customer's."""

    call_id: CallId
    digits: str
    customer_id: CustomerId
    customer_class: str


@value
class CustomerNotFound:
    call_id: CallId
    digits: str


@value
class RecordingFinished:
    """The PBX has closed a talk's recording, asked to or not; an unknown one is nobody's."""

    recording_id: RecordingId
    duration_ms: int


@value
class LegRang:
    leg_id: LegId


@value
class LegAnswered:
    leg_id: LegId


@value
class LegFailed:
    """The agent's phone did not answer and never will for this leg."""

    leg_id: LegId
    reason: RingFailure


@value
class LegHungUp:
    """The agent hung up a connected leg."""

    leg_id: LegId


@value
class TrunkCallArrived:
    """At a helper: an INVITE whose token the shell verified and which names this hand-off."""

    handoff_id: HandoffId
    from_site: SiteId


@value
class TrunkRang:
    """At the origin: the helper's agent rings."""

    handoff_id: HandoffId


@value
class TrunkAnswered:
    handoff_id: HandoffId


@value
class TrunkFailed:
    """At the origin: the trunk leg ended without an answer (403, 503, no answer)."""

    handoff_id: HandoffId
    reason: str


@value
class MoveTried:
    """At the origin: the caller's carrier has answered `MoveCaller`, and the caller is still here."""

    handoff_id: HandoffId


@value
class TrunkMoved:
    """At a helper: the caller's own carrier is on the trunk leg's place."""

    handoff_id: HandoffId


@value
class TrunkHungUp:
    """Either side: the other end of the trunk leg is gone, whether it was answered or not."""

    handoff_id: HandoffId
