"""Of callers, phones and trunks, told by the telephony adapter."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerHungUp:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """The PBX lost the call's media; `reason` is its word."""

    call_id: CallId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxDied:
    """Every channel that the PBX held is gone, and each one's own end is told after this; `reason` is why.

    Agents whose phones hang on it were told to be unreachable before.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxSilent:
    """The PBX answers nothing, frozen or cut off: it rings and dials nobody. What it holds may live on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PbxHeard:
    """The PBX answers, and all that was missed has been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerChoseVoicemail:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerChoseCallback:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailRecorded:
    call_id: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """In the order in which the caller pressed them, each once."""

    call_id: CallId
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptsPlayed:
    """What `PlayPrompts` or `Announce` began has come to its end, heard or not."""

    call_id: CallId
    playback_id: PlaybackId


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFound:
    """The number that the caller has entered is this customer's."""

    call_id: CallId
    digits: str
    customer_id: CustomerId
    customer_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotFound:
    call_id: CallId
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFinished:
    """The PBX has closed a talk's recording, asked to or not; an unknown one is nobody's."""

    recording_id: RecordingId
    duration_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LegRang:
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered:
    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegFailed:
    """The agent's phone did not answer and never will for this leg."""

    leg_id: LegId
    reason: RingFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class LegHungUp:
    """The agent hung up a connected leg."""

    leg_id: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkCallArrived:
    """At a helper: an INVITE whose token the shell verified and which names this hand-off."""

    handoff_id: HandoffId
    from_site: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkRang:
    """At the origin: the helper's agent rings."""

    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkAnswered:
    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkFailed:
    """At the origin: the trunk leg ended without an answer (403, 503, no answer)."""

    handoff_id: HandoffId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveTried:
    """At the origin: the caller's carrier has answered `MoveCaller`, and the caller is still here."""

    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkMoved:
    """At a helper: the caller's own carrier is on the trunk leg's place."""

    handoff_id: HandoffId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkHungUp:
    """Either side: the other end of the trunk leg is gone, whether it was answered or not."""

    handoff_id: HandoffId
