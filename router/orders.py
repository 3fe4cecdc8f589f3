"""Orders: what the shell must carry out, in the order given.

`is_irreversible` orders leave the process only after every entry before them in the same
outcome is committed; the others may leave at once.
"""

from typing import ClassVar

from router.call import Language
from router.ids import AgentId, CallId, HandoffId, LegId, LineId, PlaybackId, QueueId, RecordingId, SiteId
from router.ledger import Entry
from router.outbound.outcome import OutboundOutcome
from router.overflow.load import SiteLoad
from router.overflow.messages import Reply, Request
from router.overflow.trunk_refusal import TrunkRefusal
from router.values import value


@value
class Order:
    is_irreversible: ClassVar[bool] = False


# --- the caller's leg ------------------------------------------------------------------


@value
class HoldInQueue(Order):
    """Answer the caller if it isn't yet, and play the queue's music."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    queue_id: QueueId


@value
class Announce(Order):
    """Tell the caller its position and, when known, the expected wait."""

    call_id: CallId
    playback_id: PlaybackId
    language: Language
    position: int | None
    expected_wait_s: int | None


@value
class PlayPrompts(Order):
    """Answer the caller if it isn't yet, and play these; tell `PromptsPlayed` at their end."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    playback_id: PlaybackId
    prompts: tuple[str, ...]
    """Names; the PBX has a recording of each in each language."""
    language: Language


@value
class StopPrompts(Order):
    """Say no more of it; its end is no news then."""

    call_id: CallId
    playback_id: PlaybackId


@value
class FindCustomer(Order):
    """Tell `CustomerFound` or `CustomerNotFound` of what the caller has entered."""

    call_id: CallId
    digits: str


@value
class RecordVoicemail(Order):
    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    queue_id: QueueId


@value
class HangUpCall(Order):
    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    reason: str


# --- agents' legs ----------------------------------------------------------------------


@value
class Outside:
    """A number of the public network at which an agent is rung."""

    line_id: LineId
    """The site's own line that leads there."""
    number: str
    language: Language
    """Spoken to whoever answers."""


@value
class RingAgent(Order):
    """Ring the agent's phone on a new channel named `leg_id`."""

    leg_id: LegId
    agent_id: AgentId
    call_id: CallId
    queue_id: QueueId
    handoff_id: HandoffId | None
    """Set at a helper: the leg belongs to this hand-off's trunk call."""
    outside: Outside | None = None
    """Ring there and not at the agent's phone. A machine may answer as well as the agent, so
    the leg is answered when whoever answers has pressed 1."""


@value
class StopRinging(Order):
    leg_id: LegId
    agent_id: AgentId


@value
class HangUpLeg(Order):
    """End an agent's connected leg."""

    is_irreversible: ClassVar[bool] = True
    leg_id: LegId
    agent_id: AgentId
    """Whose phone must be free before it is rung again."""


@value
class BridgeAgent(Order):
    """Join the caller and the agent's answered leg."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    leg_id: LegId
    recording_notice: Language | None = None
    """Tell the caller before that the talk is recorded."""


@value
class HoldCall(Order):
    call_id: CallId
    leg_id: LegId


@value
class ResumeCall(Order):
    call_id: CallId
    leg_id: LegId


@value
class JoinTalk(Order):
    """Let another answered leg of the site speak and hear in the talk of `leg_id`."""

    is_irreversible: ClassVar[bool] = True
    leg_id: LegId
    """The agent's who has the caller."""
    joining: LegId


@value
class PartTalk(Order):
    """Take a leg out of the talk of `leg_id` that it had joined."""

    leg_id: LegId
    parting: LegId


@value
class Overhear(Order):
    """Let a supervisor's answered leg hear both sides of an agent's talk, unheard."""

    is_irreversible: ClassVar[bool] = True
    leg_id: LegId
    beside: LegId
    """The agent's."""
    is_whispering: bool
    """Heard by the agent, and by nobody else."""


@value
class RecordTalk(Order):
    """Record all that is said in the talk of `leg_id`, into the file `recording_id`."""

    is_irreversible: ClassVar[bool] = True
    leg_id: LegId
    recording_id: RecordingId


@value
class PauseRecording(Order):
    """Leave out what is said from now on."""

    leg_id: LegId
    recording_id: RecordingId


@value
class UnpauseRecording(Order):
    leg_id: LegId
    recording_id: RecordingId


@value
class StopRecording(Order):
    """Close the file; one that its leg's end has closed already is left alone."""

    leg_id: LegId
    recording_id: RecordingId


@value
class HoldLeg(Order):
    """A consulted colleague hears music and nobody else."""

    leg_id: LegId
    call_id: CallId
    """The one it is consulted about."""


# --- trunk legs ------------------------------------------------------------------------


@value
class DialSite(Order):
    """Origin: INVITE the helper with the one-time token."""

    is_irreversible: ClassVar[bool] = True
    handoff_id: HandoffId
    call_id: CallId
    site_id: SiteId
    token: str


@value
class HangUpTrunk(Order):
    """Either side: end the hand-off's trunk leg, dialling, ringing or connected."""

    handoff_id: HandoffId
    outcome: OutboundOutcome | None = None
    """Why a line that we lent was not answered: the other site's PBX is told so."""


@value
class BridgeTrunk(Order):
    """Origin: join the caller and the answered trunk leg."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    handoff_id: HandoffId


@value
class RejectTrunk(Order):
    """Helper: answer the INVITE with 403; nobody is rung."""

    handoff_id: HandoffId
    reason: TrunkRefusal
    """For whoever operates this site; the other one is told no more than 403."""


@value
class BridgeTrunkLeg(Order):
    """Helper: answer the trunk call and join it with the agent's answered leg."""

    is_irreversible: ClassVar[bool] = True
    handoff_id: HandoffId
    leg_id: LegId


@value
class MoveCaller(Order):
    """Origin: ask the caller's carrier, by REFER, to call the helper's PBX with the one-time token.

    Caller and trunk leg stay joined unless the carrier does so; tell `MoveTried` once it has
    answered and the caller is still there.
    """

    is_irreversible: ClassVar[bool] = True
    handoff_id: HandoffId
    call_id: CallId
    from_site: SiteId
    site_id: SiteId
    token: str


@value
class RedirectCaller(Order):
    """Origin: send a caller whom nobody has answered on to the helper's PBX, by SIP 302 to its carrier.

    The caller's channel ends by that; the carrier calls the helper with the one-time token, or nobody.
    """

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    from_site: SiteId
    site_id: SiteId
    token: str


@value
class TakeMoved(Order):
    """Helper: answer the INVITE that was accepted as `move_id` and let it take the trunk leg's place in
    the agent's talk, and its name; tell `TrunkMoved`. The leg it replaces is hung up.
    """

    handoff_id: HandoffId
    move_id: HandoffId
    leg_id: LegId


# --- calls that go out -----------------------------------------------------------------


@value
class FindNumber(Order):
    """Look up the number of the caller of `caller_of`; tell `NumberFound` afterwards."""

    call_id: CallId
    caller_of: CallId


@value
class DialLine(Order):
    """Dial `number` out of one of the site's own lines; the call has one channel there at a time."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    line_id: LineId
    number: str
    handoff_id: HandoffId | None
    """Set for another site's agent, who hears over this trunk how the number rings."""
    try_number: int = 1
    """Above 1 the line of the try before did not get through, and its channel is gone."""


@value
class BridgeLine(Order):
    """Join the agent's leg and the answered line."""

    is_irreversible: ClassVar[bool] = True
    call_id: CallId
    leg_id: LegId


@value
class BridgeTrunkLine(Order):
    """Answer the other site's trunk call and join it with the answered line."""

    is_irreversible: ClassVar[bool] = True
    handoff_id: HandoffId
    call_id: CallId


@value
class HangUpLine(Order):
    """End the call on the line, dialling, ringing or connected."""

    call_id: CallId


# --- other sites, the board, the ledger ------------------------------------------------


@value
class Ask(Order):
    """Send the request; tell `SiteReplied` or `SiteSilent` afterwards."""

    site_id: SiteId
    request: Request


@value
class ConfirmHandoff(Ask):
    """An Ask that tells of a bridge, so it waits for the commit."""

    is_irreversible: ClassVar[bool] = True


@value
class Answer(Order):
    """The answer to the `SiteAsked` that this outcome belongs to."""

    site_id: SiteId
    reply: Reply


@value
class AnswerForGood(Answer):
    """An Answer that promises what a restart has to keep, so it waits for the commit."""

    is_irreversible: ClassVar[bool] = True


@value
class PublishLoad(Order):
    load: SiteLoad


Outcome = list[Order | Entry]
"""Orders and the ledger entries they rest on, in the order in which they came about."""
