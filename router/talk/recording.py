"""Recordings of talks: begun by the queue's policy or by the agent, one a talk with one agent.

A recording ends with the talk of its leg. Its length is this floor's own count, pauses
left out; only where the PBX ends one by itself is it the PBX's.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from router import ledger
from router.acd.calls import Call, Calls
from router.acd.policy import RecordingRule
from router.acd.queues import Queues
from router.errors import WrongStateError
from router.ids import AgentId, CallId, Instant, LegId, RecordingId
from router.orders import PauseRecording, RecordTalk, StopRecording, UnpauseRecording
from router.recovery import OpenRecording
from router.talk.recording_acts import RecordingAct, RecordingEnd
from router.turn import Turn


@dataclass(slots=True)
class Recording:
    """Only `Recordings` changes it."""

    recording_id: RecordingId
    call_id: CallId
    agent_id: AgentId
    leg_id: LegId
    recorded_ms: int
    """Before `since`."""
    since: Instant | None
    """None while it is paused."""


class Recordings:
    """At most one a call, in progress."""

    def __init__(self, calls: Calls, queues: Queues, new_id: Callable[[], str]) -> None:
        self._calls = calls
        self._queues = queues
        self._new_id = new_id
        self._by_call: dict[CallId, Recording] = {}

    def __iter__(self) -> Iterator[Recording]:
        return iter(list(self._by_call.values()))

    def find(self, call_id: CallId) -> Recording | None:
        return self._by_call.get(call_id)

    def is_by_policy(self, call: Call) -> bool:
        """Whether the queue records all its talks, so that the caller has to be told."""
        return self._rule(call) is RecordingRule.ON

    def begin_by_policy(self, turn: Turn, call: Call) -> None:
        """The caller talks to an agent, for the first time or after another one."""
        before = self._by_call.get(call.call_id)
        if before is not None:
            self._end(turn, before, RecordingEnd.TALK_OVER, is_running=True)
        if self.is_by_policy(call):
            self._begin(turn, call)

    def asked(self, turn: Turn, call: Call, act: RecordingAct) -> None:
        """The agent's wish.

        Raises:
            WrongStateError: the queue does not record on demand, or the recording isn't as the wish needs it.
        """
        rule, recording = self._rule(call), self._by_call.get(call.call_id)
        if rule is not RecordingRule.ON_DEMAND:
            raise WrongStateError(f"recording in queue {call.queue_id!r}", rule, RecordingRule.ON_DEMAND)
        if (recording is None) != (act is RecordingAct.START):
            state = "not recorded" if recording is None else "recorded"
            wanted = "a recording" if recording is None else "no recording"
            raise WrongStateError(f"call {call.call_id!r}", state, wanted)
        if recording is None:
            self._begin(turn, call)
        elif act is RecordingAct.STOP:
            self._end(turn, recording, RecordingEnd.STOPPED, is_running=True)
        elif act is RecordingAct.PAUSE:
            self._pause(turn, recording)
        else:
            self._resume(turn, recording)

    def finished(self, turn: Turn, recording_id: RecordingId, duration_ms: int) -> None:
        """The PBX has closed the file: no news, unless nobody had asked for that."""
        for recording in self:
            if recording.recording_id == recording_id:
                recording.recorded_ms, recording.since = duration_ms, None
                self._end(turn, recording, RecordingEnd.PBX_ENDED, is_running=False)

    def take_up(self, call: Call, open_: OpenRecording) -> None:
        """After a restart: the PBX went on meanwhile."""
        self._by_call[call.call_id] = Recording(
            recording_id=open_.recording_id,
            call_id=call.call_id,
            agent_id=open_.agent_id,
            leg_id=open_.leg_id,
            recorded_ms=open_.recorded_ms,
            since=open_.since,
        )

    def follow(self, turn: Turn) -> None:
        """End what records a talk that this turn's rows have ended: looked at by those rows, since with a
        busy site's recordings a look at each after each fact would cost more than the fact.
        """
        if self._by_call:
            ended = (each for each in turn.outcome if isinstance(each, _TALK_ENDS))
            self.end_over(turn, [each.call_id for each in ended])

    def end_over(self, turn: Turn, call_ids: Iterable[CallId]) -> None:
        """End the recordings of those of these calls whose leg talks no more."""
        for call_id in call_ids:
            recording, call = self._by_call.get(call_id), self._calls.find(call_id)
            if recording is not None and (call is None or call.leg_id != recording.leg_id):
                self._end(turn, recording, RecordingEnd.TALK_OVER, is_running=True)

    # --- inside ------------------------------------------------------------------------

    def _rule(self, call: Call) -> RecordingRule:
        queue = self._queues.find(call.queue_id)
        return queue.policy.recording if queue is not None else RecordingRule.OFF

    def _begin(self, turn: Turn, call: Call) -> None:
        assert call.leg_id is not None
        assert call.agent_id is not None
        recording = Recording(
            recording_id=RecordingId(self._new_id()),
            call_id=call.call_id,
            agent_id=call.agent_id,
            leg_id=call.leg_id,
            recorded_ms=0,
            since=turn.now,
        )
        self._by_call[call.call_id] = recording
        turn.write(
            ledger.RecordingStarted(
                call_id=call.call_id,
                agent_id=recording.agent_id,
                recording_id=recording.recording_id,
                leg_id=recording.leg_id,
                queue_id=call.queue_id,
                retention_days=self._queues.get(call.queue_id).policy.recording_retention_days,
            )
        )
        turn.order(RecordTalk(leg_id=recording.leg_id, recording_id=recording.recording_id))

    def _pause(self, turn: Turn, recording: Recording) -> None:
        if recording.since is None:
            raise WrongStateError(f"recording {recording.recording_id!r}", "paused", "one that runs")
        self._stop_clock(recording, turn.now)
        turn.write(
            ledger.RecordingPaused(
                call_id=recording.call_id,
                agent_id=recording.agent_id,
                recording_id=recording.recording_id,
            )
        )
        turn.order(PauseRecording(leg_id=recording.leg_id, recording_id=recording.recording_id))

    def _resume(self, turn: Turn, recording: Recording) -> None:
        if recording.since is not None:
            raise WrongStateError(f"recording {recording.recording_id!r}", "running", "one that is paused")
        recording.since = turn.now
        turn.write(
            ledger.RecordingResumed(
                call_id=recording.call_id,
                agent_id=recording.agent_id,
                recording_id=recording.recording_id,
            )
        )
        turn.order(UnpauseRecording(leg_id=recording.leg_id, recording_id=recording.recording_id))

    def _end(self, turn: Turn, recording: Recording, reason: RecordingEnd, *, is_running: bool) -> None:
        self._stop_clock(recording, turn.now)
        del self._by_call[recording.call_id]
        turn.write(
            ledger.RecordingEnded(
                call_id=recording.call_id,
                agent_id=recording.agent_id,
                recording_id=recording.recording_id,
                duration_ms=recording.recorded_ms,
                reason=reason,
            )
        )
        if is_running:
            turn.order(StopRecording(leg_id=recording.leg_id, recording_id=recording.recording_id))

    def _stop_clock(self, recording: Recording, now: Instant) -> None:
        if recording.since is not None:
            recording.recorded_ms += now - recording.since
            recording.since = None


_TALK_ENDS = (ledger.CallEnded, ledger.CallTransferred)
