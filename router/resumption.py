"""A restarted site takes up what lives: the ledger's open work joined with the PBX's channels.

What lives goes on; what does not is ended with its reason. Nothing is guessed: a call that
no channel is left of is over, whoever hung up while nobody looked.
"""

from router import ledger
from router.acd.calls import Call
from router.agent import BUSY, WITH_A_CALL, AgentState
from router.call import CallContext, CallState, Disposition
from router.ids import AgentId, CallId, HandoffId, Instant, LegId
from router.ivr import Ivr
from router.ledger import Role
from router.orders import (
    BridgeAgent,
    HangUpLeg,
    HangUpLine,
    HangUpTrunk,
    HoldInQueue,
    RecordVoicemail,
    StopRinging,
)
from router.outbound.routes import Way
from router.overflow.messages import HandoffState
from router.parts import Parts
from router.records.handoff import NODE_RESTARTED
from router.recovery import (
    Inventory,
    LiveLeg,
    LiveTrunk,
    MediaState,
    OpenCall,
    OpenHelp,
    OpenLoan,
    OpenOutbound,
    OpenWork,
)
from router.turn import Turn

_TALKING = (CallState.CONNECTED, CallState.HELD, CallState.CONNECTED_REMOTE)
_PBX_RESTARTED = "PBX_RESTARTED"
_AT_WORK = BUSY | WITH_A_CALL | {AgentState.RESERVED}


class Resumption:
    """One restart's worth of joining; used once, before the first fact."""

    def __init__(self, parts: Parts, ivr: Ivr, work: OpenWork, alive: Inventory) -> None:
        self._parts = parts
        self._ivr = ivr
        self._work = work
        self._alive = alive
        self._kept_legs: set[LegId] = set()
        self._kept_trunks: set[HandoffId] = set()
        self._kept_lines: set[CallId] = set()
        self._talking: set[AgentId] = set()

    def resume(self, turn: Turn) -> None:
        self._parts.reach.resume(self._work.places)
        for session in self._work.sessions:
            self._parts.roster.resume(turn, session)
        for open_call in self._work.calls:
            call = self._parts.calls.resume(turn, open_call)
            if open_call.recording is not None:
                self._parts.recordings.take_up(call, open_call.recording)
            if open_call.is_moving or open_call.is_moved:
                self._resume_moving(turn, call, open_call)
            else:
                self._resume_call(turn, call, open_call)
        self._resume_helps(turn)
        self._parts.recordings.end_over(turn, [open_call.call_id for open_call in self._work.calls])
        self._resume_outgoing(turn)
        self._drop_strays(turn)
        for session in self._work.sessions:
            agent = self._parts.roster.get(session.agent_id)
            if agent.state in _AT_WORK and agent.agent_id not in self._talking:
                self._parts.roster.release(turn, agent)

    # --- calls -------------------------------------------------------------------------

    def _resume_call(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        if not self._alive.is_same_run:
            self._parts.calls.end_failed(turn, call, _PBX_RESTARTED)
        elif open_call.call_id not in self._alive.callers:
            self._end_absent(turn, call, open_call)
        elif open_call.state in _TALKING:
            self._resume_talk(turn, call, open_call)
        elif open_call.state is CallState.ENDING:
            call.state = CallState.ENDING
            turn.order(RecordVoicemail(call_id=call.call_id, queue_id=call.queue_id))
        elif self._parts.queues.find(open_call.queue_id) is None:
            self._parts.calls.end_failed(turn, call, "QUEUE_REMOVED")
        elif open_call.state is CallState.IVR:
            self._ivr.resume(turn, call, open_call)
        else:
            self._parts.calls.line_up(turn, call)
            turn.order(HoldInQueue(call_id=call.call_id, queue_id=call.queue_id))

    def _resume_moving(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        """Whatever is left of it here, its helper is asked how it stands."""
        assert open_call.handoff_id is not None
        assert open_call.served_by is not None
        trunk = self._alive.trunks.get(open_call.handoff_id) if self._alive.is_same_run else None
        is_caller_here = self._alive.is_same_run and call.call_id in self._alive.callers
        state = HandoffState.MOVED if open_call.is_moved else HandoffState.CONNECTED
        handoff = self._parts.origin.resume_moved(
            call, open_call, open_call.handoff_id, open_call.served_by, state
        )
        if trunk is not None:
            self._kept_trunks.add(trunk.handoff_id)
        lost = None if trunk is not None and is_caller_here else "HUNG_UP_WHILE_AWAY"
        self._parts.moving.resume(turn, handoff, lost)

    def _end_absent(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        """The caller hung up while this process was away."""
        if open_call.state in _TALKING:
            self._set_talk_clock(turn, call, open_call)
            self._parts.calls.end_answered(turn, call, "HUNG_UP_WHILE_AWAY")
        else:
            left_from = Disposition.ABANDONED_IN_QUEUE if call.has_asked else Disposition.ABANDONED_IN_IVR
            self._parts.calls.end_unanswered(turn, call, left_from, "HUNG_UP_WHILE_AWAY")

    def _resume_talk(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        self._set_talk_clock(turn, call, open_call)
        if open_call.state is CallState.CONNECTED_REMOTE:
            trunk = self._alive.trunks.get(open_call.handoff_id) if open_call.handoff_id else None
            if trunk is not None and trunk.state is not MediaState.RINGING:
                self._kept_trunks.add(trunk.handoff_id)
                self._parts.origin.resume_connected(turn, call, open_call, trunk)
                return
        else:
            leg = self._answered(open_call.leg_id)
            colleague = self._colleague(open_call)
            if leg is not None:
                self._resume_local_talk(turn, call, open_call, leg)
                self._resume_consultation(turn, call, open_call, colleague)
                return
            if colleague is not None and open_call.agent_id is not None:
                self._keep_leg(colleague)
                self._parts.consulting.take_over(turn, call, open_call.agent_id, colleague)
                return
        # The other side hung up while this process was away; the caller is still there.
        self._parts.calls.end_answered(turn, call, "HUNG_UP_WHILE_AWAY")

    def _resume_local_talk(self, turn: Turn, call: Call, open_call: OpenCall, leg: LiveLeg) -> None:
        call.state, call.agent_id, call.leg_id = open_call.state, leg.agent_id, leg.leg_id
        self._keep_leg(leg)
        if leg.state is MediaState.UP and call.state is CallState.CONNECTED:
            turn.order(BridgeAgent(call_id=call.call_id, leg_id=leg.leg_id))

    def _resume_consultation(
        self, turn: Turn, call: Call, open_call: OpenCall, colleague: LiveLeg | None
    ) -> None:
        """A phone that only rang beside the call is stopped: the agent may ring it again."""
        if open_call.consultation is not None:
            if colleague is not None:
                self._keep_leg(colleague)
            self._parts.consulting.take_up(turn, call, open_call.consultation, colleague)

    def _colleague(self, open_call: OpenCall) -> LiveLeg | None:
        """Whom the agent consulted, if that one had answered, is still there and works here."""
        open_ = open_call.consultation
        if open_ is None or not open_.is_answered or self._parts.roster.find(open_.agent_id) is None:
            return None
        return self._answered(open_.leg_id)

    def _answered(self, leg_id: LegId | None) -> LiveLeg | None:
        leg = self._alive.legs.get(leg_id) if leg_id is not None else None
        return leg if leg is not None and leg.state is not MediaState.RINGING else None

    def _set_talk_clock(self, turn: Turn, call: Call, open_call: OpenCall) -> None:
        """Holds so far are kept in their sum; the rest since the answer was talk."""
        connected_at = open_call.connected_at if open_call.connected_at is not None else turn.now
        talk_since = Instant(connected_at + open_call.hold_ms)
        if open_call.state is CallState.HELD:
            call.talk_ms, call.hold_since = turn.now - talk_since, turn.now
        else:
            call.talk_since = talk_since

    # --- helps -------------------------------------------------------------------------

    def _resume_helps(self, turn: Turn) -> None:
        for help_ in self._work.helps:
            self._resume_help(turn, help_)
        for promise in self._work.promises:
            self._parts.taking_in.resume(turn, promise)

    def _resume_help(self, turn: Turn, work: OpenHelp) -> None:
        leg = self._alive.legs.get(work.leg_id)
        trunk = self._alive.trunks.get(work.handoff_id)
        is_trunk_up = trunk is not None and self._alive.is_same_run
        if leg is not None and is_trunk_up and leg.state is not MediaState.RINGING:
            self._keep_leg(leg)
            self._kept_trunks.add(work.handoff_id)
            assert trunk is not None
            help_ = self._parts.helper.resume_connected(
                turn, work, self._context(work), is_moved=trunk.is_moved
            )
            if trunk.is_moved:
                self._parts.taking_over.resume(turn, help_, is_written=work.is_moved)
            return
        lost = None if self._alive.is_same_run else _PBX_RESTARTED
        talk_ms = turn.now - work.connected_at
        turn.write(
            ledger.HandoffEnded(
                handoff_id=work.handoff_id,
                role=Role.HELPER,
                peer=work.peer,
                call_id=work.call_id,
                agent_id=work.agent_id,
                talk_ms=talk_ms,
                reason=lost,
            )
        )
        if work.is_moved and lost is None:
            self._parts.helper.tell_over(turn, work.handoff_id, work.peer, talk_ms)
        elif not is_trunk_up:
            # It may have gone with the PBX, which told the origin's nothing.
            self._parts.taking_back.tell(turn, work.handoff_id, work.peer, lost or NODE_RESTARTED)

    def _context(self, work: OpenHelp) -> CallContext:
        queue = self._parts.queues.find(work.queue_id)
        return CallContext(
            call_id=work.call_id,
            queue_id=work.queue_id,
            skills=queue.policy.skills if queue is not None else frozenset(),
            priority=0,
            customer_id=None,
            waited_ms=0,
        )

    # --- calls that go out -------------------------------------------------------------

    def _resume_outgoing(self, turn: Turn) -> None:
        for serial, callback in enumerate(self._work.callbacks):
            self._parts.callbacks.resume(turn, serial, callback)
        for outbound in self._work.outbound:
            self._resume_outbound(turn, outbound)
        for loan in self._work.loans:
            self._resume_loan(turn, loan)

    def _resume_outbound(self, turn: Turn, work: OpenOutbound) -> None:
        leg = self._alive.legs.get(work.leg_id) if work.leg_id else None
        state = self._far_end(work.call_id, work.handoff_id) if work.dialed_at is not None else None
        if leg is None or leg.state is MediaState.RINGING or state is None:
            self._parts.outgoing.end_absent(turn, work)
            return
        self._keep_leg(leg)
        self._keep_far_end(work.call_id, work.handoff_id)
        is_ringing = state is MediaState.RINGING
        self._parts.outgoing.resume(turn, work, leg.leg_id, is_far_end_ringing=is_ringing)

    def _resume_loan(self, turn: Turn, work: OpenLoan) -> None:
        state = self._far_end(work.call_id, None)
        if state is None or self._far_end(work.call_id, work.handoff_id) is None:
            self._parts.lending.end_absent(turn, work)
            return
        self._keep_far_end(work.call_id, None)
        self._keep_far_end(work.call_id, work.handoff_id)
        self._parts.lending.resume(turn, work, is_ringing=state is MediaState.RINGING)

    def _far_end(self, call_id: CallId, handoff_id: HandoffId | None) -> MediaState | None:
        """How the customer's side stands, on our line or behind a trunk; None when it is gone."""
        if not self._alive.is_same_run:
            return None
        line = self._alive.lines.get(call_id)
        trunk = self._alive.trunks.get(handoff_id) if handoff_id is not None else None
        if handoff_id is not None:
            return trunk.state if trunk is not None else None
        return line.state if line is not None else None

    def _keep_far_end(self, call_id: CallId, handoff_id: HandoffId | None) -> None:
        if handoff_id is not None:
            self._kept_trunks.add(handoff_id)
        else:
            self._kept_lines.add(call_id)

    # --- what lives and belongs to nothing ---------------------------------------------

    def _drop_strays(self, turn: Turn) -> None:
        for leg in self._alive.legs.values():
            if leg.leg_id in self._kept_legs:
                continue
            if leg.state is MediaState.RINGING:
                turn.order(StopRinging(leg_id=leg.leg_id, agent_id=leg.agent_id))
            else:
                turn.order(HangUpLeg(leg_id=leg.leg_id, agent_id=leg.agent_id))
        for line in self._alive.lines.values():
            if line.call_id not in self._kept_lines:
                turn.order(HangUpLine(call_id=line.call_id))
        for trunk in self._alive.trunks.values():
            if trunk.handoff_id not in self._kept_trunks:
                self._drop_trunk(turn, trunk)

    def _drop_trunk(self, turn: Turn, trunk: LiveTrunk) -> None:
        is_to_a_line = any(each.handoff_id == trunk.handoff_id for each in self._work.outbound)
        # A moved talk may go on without its leg here.
        is_taken_up = self._parts.origin.find(trunk.handoff_id) is not None
        is_ours = trunk.role is Role.ORIGIN and not is_to_a_line and not is_taken_up
        if is_ours and trunk.call_id is not None:
            self._parts.origin.drop_trunk(turn, trunk, trunk.call_id)
        else:
            turn.order(HangUpTrunk(handoff_id=trunk.handoff_id))

    def _keep_leg(self, leg: LiveLeg) -> None:
        self._kept_legs.add(leg.leg_id)
        agent = self._parts.roster.find(leg.agent_id)
        if agent is not None:
            self._talking.add(leg.agent_id)
            line_id = leg.line_id
            self._parts.roster.resume_talk(
                agent,
                leg_id=leg.leg_id,
                way=Way(site_id=self._parts.site_id, line_id=line_id) if line_id is not None else None,
                call_id=leg.call_id,
                handoff_id=leg.handoff_id,
            )
