"""Reasons of the ledger's rows in plain words; one that is not known here is shown as it was written."""

from collections.abc import Mapping

from node.words import marked
from node.words import text as _
from router.acd.silence import PBX_SILENT
from router.agent import RingFailure
from router.call import Disposition
from router.callback.outcome import CallbackOutcome
from router.outbound.outcome import OutboundOutcome
from router.overflow.messages import HandoffState, Refusal
from router.talk.consultation import ConsultationEnd
from router.talk.recording_acts import RecordingEnd
from router.talk.supervision import SupervisionEnd, SupervisionMode

RING_FAILURES: Mapping[str, str] = {
    RingFailure.NO_ANSWER: marked("nobody answered"),
    RingFailure.REJECTED: marked("the agent rejected it"),
    RingFailure.BUSY: marked("the phone was busy"),
    RingFailure.UNREACHABLE: marked("the phone could not be reached"),
    RingFailure.MOVED_ON: marked("not at this place, so it rings at the next one"),
    RingFailure.STOPPED: marked("it was stopped from here: the caller left, or somebody else answered"),
}

ENDINGS: Mapping[str, str] = {
    Disposition.ANSWERED: marked("it was answered"),
    Disposition.ABANDONED_IN_IVR: marked("the caller hung up in the IVR"),
    Disposition.ABANDONED_IN_QUEUE: marked("the caller hung up while waiting"),
    Disposition.ABANDONED_RINGING: marked("the caller hung up while a phone rang"),
    Disposition.VOICEMAIL: marked("the caller left a message"),
    Disposition.CALLBACK: marked("the caller asked to be called back"),
    Disposition.TIMED_OUT: marked("it waited as long as the queue allows"),
    Disposition.NO_AGENTS: marked("nobody was at work for it"),
    Disposition.AFTER_HOURS: marked("it came outside of the opening hours"),
    Disposition.REJECTED: marked("it was not let into the queue"),
    Disposition.REDIRECTED: marked("it was sent on, and is another site's call from there"),
    Disposition.FAILED: marked("it failed by our fault"),
}

OUTCOMES: Mapping[str, str] = {
    OutboundOutcome.ANSWERED: marked("customer and agent talked"),
    OutboundOutcome.BUSY: marked("the customer's line was busy"),
    OutboundOutcome.NO_ANSWER: marked("the customer did not answer"),
    OutboundOutcome.FAILED: marked("the line, the trunk or the number did not work"),
    OutboundOutcome.AGENT_MISSED: marked("the agent's own phone was not answered; nobody was dialled"),
    OutboundOutcome.AGENT_GAVE_UP: marked("the agent hung up first"),
    OutboundOutcome.NO_NUMBER: marked("there is no number to dial"),
    OutboundOutcome.NOT_ALLOWED: marked("the number may not be dialled"),
    OutboundOutcome.NO_LINE: marked("there is no such line"),
    OutboundOutcome.LIMIT: marked("the line has as many calls as it may"),
    OutboundOutcome.INTERRUPTED: marked("the node or its PBX ended before the answer"),
    CallbackOutcome.REACHED: marked("the customer was reached"),
    CallbackOutcome.NOT_REACHED: marked("the customer was not reached, as often as the policy says"),
    CallbackOutcome.QUEUE_REMOVED: marked("the queue is gone"),
}

REASONS: Mapping[str, str] = {
    Refusal.NO_IDLE_AGENT: marked("no agent is idle there"),
    Refusal.OWN_LOSS: marked("an agent is idle there, but helping may not cost its own callers more"),
    Refusal.NONE_WAITING: marked("nobody waits there any more"),
    Refusal.QUEUE_UNKNOWN: marked("it does not have that queue"),
    Refusal.NOT_ACCEPTING: marked("it takes no new calls"),
    Refusal.STALE_INCARNATION: marked("it was restarted since"),
    Refusal.ALREADY_CONNECTED: marked("they talk already"),
    Refusal.CANCELLED: marked("it had been cancelled"),
    Refusal.LINK_FULL: marked("the link carries as many calls as it may"),
    "SILENT": marked("no answer came in time"),
    "RONA": marked("its agent's phone was not answered"),
    "LATE": marked("the answer came too late"),
    "CLAIMED": marked("another site's idle agent claimed the caller"),
    "TAKEN_AT_HOME": marked("an agent at home became free first"),
    "CALLER_GONE": marked("the caller hung up"),
    "NODE_RESTARTED": marked("the node was restarted"),
    "NODE_DOWN": marked("the node was down, and the PBX met the caller by itself"),
    "PUT_THROUGH": marked("the node was down, and the PBX put the caller through to the number for that"),
    "POLICY_CHANGED": marked("the queue's policy changed"),
    "TIMED_OUT": marked("the caller had waited as long as the queue allows"),
    "VOICEMAIL": marked("the caller went to leave a message"),
    "CALLBACK": marked("the caller asked to be called back"),
    "NOT_MOVED": marked("its carrier would not, or could not"),
    "CARRIER_SILENT": marked("its carrier did not answer; it is asked for no other call"),
    "TRUNK_HUNG_UP": marked("the trunk between the sites hung up"),
    "CALLER_HUNG_UP": marked("the caller hung up"),
    "AGENT_HUNG_UP": marked("the agent hung up"),
    "HUNG_UP_WHILE_AWAY": marked("somebody hung up while the node was restarted"),
    "PBX_RESTARTED": marked("the PBX was restarted"),
    "PBX_DOWN": marked("the PBX was gone"),
    PBX_SILENT: marked("the PBX did not answer"),
    "OVER_AT_HELPER": marked("the other site had ended it"),
    "QUEUE_REMOVED": marked("the queue is gone"),
    "QUEUE_FULL": marked("the queue was full"),
    "LINK_FAILED": marked("the trunk between the sites failed"),
    "EXPIRED": marked("its time was over"),
    ConsultationEnd.COLLEAGUE_LEFT: marked("the colleague hung up"),
    ConsultationEnd.CALL_OVER: marked("the call was over"),
    ConsultationEnd.RESTARTED: marked("the node was restarted"),
    RecordingEnd.STOPPED: marked("it was stopped"),
    RecordingEnd.TALK_OVER: marked("the talk was over"),
    RecordingEnd.PBX_ENDED: marked("the PBX ended it"),
    SupervisionEnd.LEFT: marked("the supervisor left"),
}

MODES: Mapping[str, str] = {
    SupervisionMode.LISTEN: marked("listens to"),
    SupervisionMode.WHISPER: marked("whispers to"),
    SupervisionMode.BARGE: marked("talks with both sides beside"),
}

STAGES: Mapping[str, str] = {
    HandoffState.ASKING: marked("while it was asked for"),
    HandoffState.RESERVED: marked("while an agent was kept for it"),
    HandoffState.DIALING: marked("while it was dialled"),
    HandoffState.RINGING: marked("while the phone rang"),
}


def worded(reason: object, *tables: Mapping[str, str]) -> str:
    """The reason out of the first table that knows it, or as it stands."""
    text = str(reason)
    for table in tables or (REASONS,):
        if text in table:
            return _(table[text])
    return text
