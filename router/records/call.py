"""A call's record (CDR), folded from the rows that its origin wrote.

A helper's rows about a call it serves for another site make no record of the call here:
only CALL_ARRIVED opens one, and only CALL_ENDED closes it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from router import ledger
from router.agent import RingFailure
from router.call import CallState, Disposition, Language
from router.ids import AgentId, CallId, CustomerId, HandoffId, LegId, NodeName, QueueId, SiteId, Skill
from router.ledger import Entry, LedgerRow
from router.records.moment import Moment
from router.recovery import OpenCall, OpenConsultation, OpenRecording


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call. Its durations count all its legs; moments are the origin's wall clock."""

    site_id: SiteId
    call_id: CallId
    business_date: str
    """The day it arrived."""
    dialled: str
    customer_id: CustomerId | None
    queue_id: QueueId | None = None
    """Where it is, or was at its end."""
    priority: int = 0
    skills: tuple[Skill, ...] = ()
    """Asked for; empty after a transfer: the new queue's own are all it needs then."""
    arrived_utc_us: int
    queued_utc_us: int | None = None
    """The first request for a person: where a wait begins."""
    answered_utc_us: int | None = None
    """The first answer by a person."""
    ended_utc_us: int | None = None
    disposition: Disposition | None = None
    reason: str | None = None
    served_by: SiteId | None = None
    """The site of the last person it talked to; also the agent and the hand-off of that."""
    agent_id: AgentId | None = None
    handoff_id: HandoffId | None = None
    waited_ms: int = 0
    """To the first answer, or to the end without one."""
    talk_ms: int = 0
    hold_ms: int = 0
    wrapup_ms: int = 0
    """By agents of this site; a helper's stands in its hand-off's record."""
    offer_count: int = 0
    """Rings of agents of this site."""
    ring_failure_count: int = 0
    """Those that ended without an answer by the phone's or the agent's fault."""
    transfer_count: int = 0
    is_short: bool = False


class CallFold:
    """One call's record, with what else a restart has to know while it is open."""

    __slots__ = (
        "_agent_id",
        "_connected_at",
        "_consultation",
        "_customer_class",
        "_handoff_id",
        "_held_since",
        "_hold_ms",
        "_is_moved",
        "_is_moving",
        "_language",
        "_leg_id",
        "_line_queue_id",
        "_line_skills",
        "_node",
        "_queued_at",
        "_recording",
        "_recording_since",
        "_ringing",
        "_served_by",
        "_state",
        "record",
    )

    def __init__(self, row: LedgerRow, entry: ledger.CallArrived) -> None:
        self.record = CallRecord(
            site_id=row.site_id,
            call_id=entry.call_id,
            business_date=row.business_date,
            dialled=entry.dialled,
            customer_id=entry.customer_id,
            arrived_utc_us=row.at_utc_us,
        )
        self._state = CallState.QUEUED
        self._queued_at = Moment.of(row)
        self._connected_at: Moment | None = None
        self._held_since: Moment | None = None
        self._hold_ms = 0
        self._ringing: dict[LegId, AgentId] = {}
        self._leg_id: LegId | None = None
        self._agent_id: AgentId | None = None
        self._handoff_id: HandoffId | None = None
        self._served_by: SiteId | None = None
        self._is_moving = self._is_moved = False
        self._language: Language | None = None
        self._line_queue_id: QueueId | None = None
        self._line_skills: tuple[Skill, ...] = ()
        self._node: NodeName | None = None
        self._customer_class: str | None = None
        self._consultation: OpenConsultation | None = None
        self._recording: OpenRecording | None = None
        self._recording_since: Moment | None = None

    @property
    def is_ended(self) -> bool:
        return self.record.ended_utc_us is not None

    def apply(self, row: LedgerRow) -> bool:
        """Take a row about this call; True when the record is another one now."""
        step = self._STEPS.get(type(row.entry))
        if step is None:
            return False
        before = self.record
        step(self, Moment.of(row), row.entry)
        return self.record is not before

    def open_call(self, now: Moment) -> OpenCall | None:
        """What a restart goes on with; None when the call was not even in the IVR."""
        record = self.record
        queue_id = record.queue_id or self._line_queue_id
        if queue_id is None:
            return None
        held_ms = 0 if self._held_since is None else now.since_ms(self._held_since)
        return OpenCall(
            call_id=record.call_id,
            queue_id=queue_id,
            skills=frozenset(record.skills or self._line_skills),
            priority=record.priority,
            customer_id=record.customer_id,
            state=self._state,
            queued_at=now.instant_of(self._queued_at),
            connected_at=None if self._connected_at is None else now.instant_of(self._connected_at),
            leg_id=self._leg_id,
            agent_id=self._agent_id,
            handoff_id=self._handoff_id,
            served_by=self._served_by,
            is_moving=self._is_moving,
            is_moved=self._is_moved,
            waited_ms=record.waited_ms,
            hold_ms=self._hold_ms + held_ms,
            has_asked=record.queued_utc_us is not None,
            language=self._language,
            node=self._node,
            customer_class=self._customer_class,
            consultation=self._consultation,
            recording=self._open_recording(now),
        )

    def _open_recording(self, now: Moment) -> OpenRecording | None:
        if self._recording is None or self._recording_since is None:
            return self._recording
        return replace(self._recording, since=now.instant_of(self._recording_since))

    # --- steps -------------------------------------------------------------------------

    def _entered_ivr(self, at: Moment, entry: ledger.IvrEntered) -> None:
        self._state = CallState.IVR
        self._line_queue_id, self._line_skills = entry.queue_id, entry.skills
        self._customer_class, self._language = entry.customer_class, entry.language
        self.record = replace(self.record, priority=entry.priority)

    def _chose(self, at: Moment, entry: ledger.IvrChose) -> None:
        self._node, self._language = entry.to_node, entry.language

    def _identified(self, at: Moment, entry: ledger.CustomerIdentified) -> None:
        self._customer_class = entry.customer_class
        self.record = replace(self.record, customer_id=entry.customer_id)

    def _queued(self, at: Moment, entry: ledger.CallQueued) -> None:
        at = at.earlier_by(entry.waited_before_ms or 0)
        if self.record.queued_utc_us is None:
            self._queued_at = at
        self._line_skills = ()
        self._wait_again()
        self.record = replace(
            self.record,
            queue_id=entry.queue_id,
            skills=entry.skills,
            priority=entry.priority,
            customer_id=entry.customer_id,
            queued_utc_us=self.record.queued_utc_us or at.utc_us,
        )

    def _offered(self, at: Moment, entry: ledger.AgentOffered) -> None:
        self._ringing[entry.leg_id] = entry.agent_id
        self._state = CallState.OFFERED
        self._leg_id, self._agent_id = entry.leg_id, entry.agent_id
        if entry.after_leg is None:
            self.record = replace(self.record, offer_count=self.record.offer_count + 1)

    def _ring_failed(self, at: Moment, entry: ledger.RingFailed) -> None:
        self._ringing.pop(entry.leg_id, None)
        if self._state is CallState.OFFERED:
            if self._ringing:
                self._leg_id, self._agent_id = next(reversed(self._ringing.items()))
            else:
                self._wait_again()
        if entry.reason not in (RingFailure.STOPPED, RingFailure.MOVED_ON):
            self.record = replace(self.record, ring_failure_count=self.record.ring_failure_count + 1)

    def _connected(self, at: Moment, entry: ledger.CallConnected) -> None:
        is_first = self.record.answered_utc_us is None
        if self._state not in (CallState.CONNECTED, CallState.HELD):
            # By an attended transfer one talk goes on with another agent.
            self._connected_at = at
        self._state = CallState.CONNECTED if entry.handoff_id is None else CallState.CONNECTED_REMOTE
        self._leg_id, self._agent_id = entry.leg_id, entry.agent_id
        self._handoff_id, self._served_by = entry.handoff_id, entry.served_by
        self.record = replace(
            self.record,
            queue_id=entry.queue_id,
            answered_utc_us=at.utc_us if is_first else self.record.answered_utc_us,
            waited_ms=entry.waited_ms if is_first else self.record.waited_ms,
            served_by=entry.served_by,
            agent_id=entry.agent_id,
            handoff_id=entry.handoff_id,
        )

    def _held(self, at: Moment, entry: ledger.CallHeld) -> None:
        self._state, self._held_since = CallState.HELD, at
        if self._consultation is not None:
            self._consultation = replace(self._consultation, is_merged=False)

    def _resumed(self, at: Moment, entry: ledger.CallResumed) -> None:
        self._state = CallState.CONNECTED
        self._close_hold(at)

    def _transferred(self, at: Moment, entry: ledger.CallTransferred) -> None:
        self._close_hold(at)
        self._consultation = None
        if entry.to_leg is None:
            self._wait_again()
        self.record = replace(self.record, transfer_count=self.record.transfer_count + 1)
        if entry.to_queue is not None:
            self.record = replace(self.record, queue_id=entry.to_queue, skills=())

    def _consulted(self, at: Moment, entry: ledger.Consulted) -> None:
        self._consultation = OpenConsultation(leg_id=entry.leg_id, agent_id=entry.to_agent)

    def _colleague_answered(self, at: Moment, entry: ledger.ConsultationConnected) -> None:
        if self._consultation is not None:
            self._consultation = replace(self._consultation, is_answered=True)

    def _conferenced(self, at: Moment, entry: ledger.CallConferenced) -> None:
        self._state = CallState.CONNECTED
        self._close_hold(at)
        if self._consultation is not None:
            self._consultation = replace(self._consultation, is_merged=True)

    def _consultation_ended(self, at: Moment, entry: ledger.ConsultationEnded) -> None:
        self._consultation = None

    def _recording_started(self, at: Moment, entry: ledger.RecordingStarted) -> None:
        self._recording_since = at
        self._recording = OpenRecording(
            recording_id=entry.recording_id,
            agent_id=entry.agent_id,
            leg_id=entry.leg_id,
            recorded_ms=0,
            since=None,
        )

    def _recording_paused(self, at: Moment, entry: ledger.RecordingPaused) -> None:
        if self._recording is not None and self._recording_since is not None:
            recorded_ms = self._recording.recorded_ms + at.since_ms(self._recording_since)
            self._recording = replace(self._recording, recorded_ms=recorded_ms)
            self._recording_since = None

    def _recording_resumed(self, at: Moment, entry: ledger.RecordingResumed) -> None:
        self._recording_since = at

    def _recording_ended(self, at: Moment, entry: ledger.RecordingEnded) -> None:
        self._recording = self._recording_since = None

    def _handed_off(self, at: Moment, entry: ledger.HandoffDialed) -> None:
        self._handoff_id = entry.handoff_id

    def _rang_remote(self, at: Moment, entry: ledger.HandoffRang) -> None:
        self._state = CallState.OFFERED_REMOTE
        self._handoff_id, self._served_by = entry.handoff_id, entry.peer

    def _moving(self, at: Moment, entry: ledger.HandoffMoving) -> None:
        self._is_moving = True

    def _moved(self, at: Moment, entry: ledger.HandoffMoved) -> None:
        self._is_moving, self._is_moved = False, True

    def _stayed(self, at: Moment, entry: ledger.HandoffStayed) -> None:
        self._is_moving = False

    def _handoff_failed(
        self,
        at: Moment,
        entry: ledger.HandoffRefused | ledger.HandoffExpired | ledger.HandoffCancelled | ledger.HandoffEnded,
    ) -> None:
        if self._handoff_id == entry.handoff_id:
            self._handoff_id = None
            if self._state is CallState.OFFERED_REMOTE:
                self._wait_again()

    def _left_to_machine(
        self, at: Moment, entry: ledger.CallbackRequested | ledger.VoicemailBegan | ledger.VoicemailLeft
    ) -> None:
        self._state = CallState.ENDING
        if self.record.queue_id is None:
            self.record = replace(self.record, queue_id=entry.queue_id)

    def _ended(self, at: Moment, entry: ledger.CallEnded) -> None:
        self.record = replace(
            self.record,
            queue_id=entry.queue_id or self.record.queue_id,
            ended_utc_us=at.utc_us,
            disposition=entry.disposition,
            reason=entry.reason,
            waited_ms=entry.waited_ms,
            talk_ms=entry.talk_ms,
            hold_ms=entry.hold_ms,
            is_short=entry.is_short,
        )

    def _wrapped_up(self, at: Moment, entry: ledger.WrapupEnded) -> None:
        self.record = replace(self.record, wrapup_ms=self.record.wrapup_ms + entry.wrapup_ms)

    def _close_hold(self, at: Moment) -> None:
        if self._held_since is not None:
            self._hold_ms += at.since_ms(self._held_since)
            self._held_since = None

    def _wait_again(self) -> None:
        self._state = CallState.QUEUED
        self._leg_id = self._agent_id = self._served_by = None

    _STEPS: ClassVar[Mapping[type[Entry], Callable[["CallFold", Moment, Any], None]]] = {
        ledger.IvrEntered: _entered_ivr,
        ledger.IvrChose: _chose,
        ledger.CustomerIdentified: _identified,
        ledger.CallQueued: _queued,
        ledger.AgentOffered: _offered,
        ledger.RingFailed: _ring_failed,
        ledger.CallConnected: _connected,
        ledger.CallHeld: _held,
        ledger.CallResumed: _resumed,
        ledger.CallTransferred: _transferred,
        ledger.Consulted: _consulted,
        ledger.ConsultationConnected: _colleague_answered,
        ledger.CallConferenced: _conferenced,
        ledger.ConsultationEnded: _consultation_ended,
        ledger.RecordingStarted: _recording_started,
        ledger.RecordingPaused: _recording_paused,
        ledger.RecordingResumed: _recording_resumed,
        ledger.RecordingEnded: _recording_ended,
        ledger.HandoffDialed: _handed_off,
        ledger.HandoffRang: _rang_remote,
        ledger.HandoffMoving: _moving,
        ledger.HandoffMoved: _moved,
        ledger.HandoffStayed: _stayed,
        ledger.HandoffRefused: _handoff_failed,
        ledger.HandoffExpired: _handoff_failed,
        ledger.HandoffCancelled: _handoff_failed,
        ledger.HandoffEnded: _handoff_failed,
        ledger.CallbackRequested: _left_to_machine,
        ledger.VoicemailBegan: _left_to_machine,
        ledger.VoicemailLeft: _left_to_machine,
        ledger.CallEnded: _ended,
        ledger.WrapupEnded: _wrapped_up,
    }
