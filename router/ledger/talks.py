"""What agents and supervisors do with a talk."""

from typing import ClassVar

from router.ids import (
    AgentId,
    CallId,
    LegId,
    QueueId,
    RecordingId,
)
from router.ledger.entry import Entry
from router.talk.recording_acts import RecordingEnd
from router.talk.supervision import SupervisionEnd, SupervisionMode
from router.values import value


@value
class Consulted(Entry):
    """`agent_id`, who has the caller, rings `to_agent` beside the call: no offer of it."""

    kind: ClassVar[str] = "CONSULTED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    """The one that rings."""
    to_agent: AgentId


@value
class ConsultationConnected(Entry):
    kind: ClassVar[str] = "CONSULTATION_CONNECTED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    to_agent: AgentId


@value
class ConsultationEnded(Entry):
    """Without a transfer, which ends it too, as the end of the call does."""

    kind: ClassVar[str] = "CONSULTATION_ENDED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    to_agent: AgentId
    reason: str
    """A RingFailure, or a router.talk.consultation.ConsultationEnd."""


@value
class CallConferenced(Entry):
    """Caller, `agent_id` and `with_agent` talk together, until a HELD or the consultation's end."""

    kind: ClassVar[str] = "CONFERENCED"
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    """That of `with_agent`."""
    with_agent: AgentId


@value
class Monitored(Entry):
    """A supervisor is beside the talk of `agent_id` from now on, in this way; written for each change."""

    kind: ClassVar[str] = "MONITORED"
    call_id: CallId
    agent_id: AgentId
    supervisor: str
    """The person's id at the site."""
    mode: SupervisionMode


@value
class MonitoringEnded(Entry):
    kind: ClassVar[str] = "MONITORING_ENDED"
    call_id: CallId
    agent_id: AgentId
    supervisor: str
    reason: SupervisionEnd


@value
class RecordingStarted(Entry):
    """The talk of `leg_id` is recorded from here on."""

    kind: ClassVar[str] = "RECORDING_STARTED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId
    leg_id: LegId
    queue_id: QueueId
    retention_days: int
    """By the queue's policy of this moment."""


@value
class RecordingPaused(Entry):
    kind: ClassVar[str] = "RECORDING_PAUSED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId


@value
class RecordingResumed(Entry):
    kind: ClassVar[str] = "RECORDING_RESUMED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId


@value
class RecordingEnded(Entry):
    """By the agent, with the talk, or by the PBX; a talk's end comes first where both are of one moment."""

    kind: ClassVar[str] = "RECORDING_ENDED"
    call_id: CallId
    agent_id: AgentId
    recording_id: RecordingId
    duration_ms: int
    """Pauses left out."""
    reason: RecordingEnd
