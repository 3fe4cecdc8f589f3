"""Attended transfer and conference: a colleague is asked beside the call, and takes it, joins it or leaves.

The caller is never without an agent: it stays with the one who asked until another one
has it. Who hangs up leaves; the caller goes on with whoever is left.
"""

from router import ledger
from router.acd.calls import Call, Calls
from router.acd.policy import RING_LIMIT_MS
from router.acd.queues import Queues
from router.acd.reach import Reach
from router.acd.roster import Agent, Roster
from router.acd.talking import Talking
from router.agent import STATE_AFTER_RING_FAILURE, AgentState, RingFailure
from router.call import CallState
from router.errors import WrongStateError
from router.ids import AgentId, CallId, Instant, LegId
from router.orders import HangUpLeg, HoldLeg, JoinTalk, ResumeCall, RingAgent, StopRinging
from router.recovery import LiveLeg, MediaState, OpenConsultation
from router.talk.consultation import Consultation, ConsultationEnd, Consultations, ConsultationState
from router.timers import Timers
from router.turn import Turn
from router.views import ConsultationView

CONSULT_TIMER = "consult"


class Consulting:
    """The consultations of one site's own calls."""

    def __init__(
        self,
        calls: Calls,
        roster: Roster,
        reach: Reach,
        queues: Queues,
        talking: Talking,
        timers: Timers[tuple[str, str]],
    ) -> None:
        self.consultations = Consultations()
        self._reach = reach
        self._calls = calls
        self._roster = roster
        self._queues = queues
        self._talking = talking
        self._timers = timers

    def view(self, call_id: CallId) -> ConsultationView | None:
        seen = self.consultations.seen(call_id)
        if seen is None:
            return None
        return ConsultationView(
            agent_id=seen.colleague_id, leg_id=seen.leg_id, state=seen.state, reason=seen.reason
        )

    # --- the colleague is asked --------------------------------------------------------

    def ask(self, turn: Turn, call: Call, agent: Agent, colleague: Agent, leg_id: LegId) -> None:
        """Hold the caller and ring the colleague, on a leg that is no offer of the call.

        Raises:
            WrongStateError: the colleague isn't ready, or somebody is consulted already.
        """
        if self.consultations.find(call.call_id) is not None:
            raise WrongStateError(f"agent {agent.agent_id!r}", "consulting", "no consultation in progress")
        if colleague.state is not AgentState.READY:
            raise WrongStateError(f"agent {colleague.agent_id!r}", colleague.state, "an agent who is ready")
        assert agent.leg_id is not None
        if call.state is CallState.CONNECTED:
            self._talking.hold(turn, call, agent)
        self.consultations.forget(call.call_id)
        self.consultations.add(
            Consultation(
                call_id=call.call_id,
                agent_id=agent.agent_id,
                agent_leg=agent.leg_id,
                leg_id=leg_id,
                colleague_id=colleague.agent_id,
            )
        )
        turn.write(
            ledger.Consulted(
                call_id=call.call_id, agent_id=agent.agent_id, leg_id=leg_id, to_agent=colleague.agent_id
            )
        )
        turn.ready.pop(colleague.agent_id, None)
        queue = self._queues.find(call.queue_id)
        limit_ms = queue.policy.ring_limit_ms if queue is not None else RING_LIMIT_MS
        # At the first place only: the agent listens to every second of it.
        stop = self._reach.first(colleague.agent_id, limit_ms)
        self._roster.ring(turn, colleague, leg_id, stop.way, call.call_id)
        turn.order(
            RingAgent(
                leg_id=leg_id,
                agent_id=colleague.agent_id,
                call_id=call.call_id,
                queue_id=call.queue_id,
                handoff_id=None,
                outside=stop.outside,
            )
        )
        self._timers.set((CONSULT_TIMER, leg_id), Instant(turn.now + stop.ring_limit_ms))

    def answered(self, turn: Turn, consultation: Consultation) -> None:
        """The colleague hears the agent; or music, where the agent has gone back to the caller."""
        self._timers.cancel((CONSULT_TIMER, consultation.leg_id))
        consultation.state = ConsultationState.TALKING
        turn.write(
            ledger.ConsultationConnected(
                call_id=consultation.call_id,
                agent_id=consultation.agent_id,
                leg_id=consultation.leg_id,
                to_agent=consultation.colleague_id,
            )
        )
        self._roster.talk(turn, self._roster.get(consultation.colleague_id))
        self._place(turn, consultation, self._calls.get(consultation.call_id))

    def failed(self, turn: Turn, consultation: Consultation, reason: RingFailure) -> None:
        """The phone's word: the caller stays held, and the colleague is as after any offer missed."""
        self._end(turn, consultation, reason.value)
        colleague = self._roster.get(consultation.colleague_id)
        if reason is RingFailure.STOPPED:
            self._roster.release(turn, colleague)
        else:
            self._roster.miss(turn, colleague, STATE_AFTER_RING_FAILURE[reason], reason.value)

    def expire(self, turn: Turn, leg_id: LegId) -> None:
        """The ring limit is over."""
        consultation = self.consultations.find_by_leg(leg_id)
        assert consultation is not None
        turn.order(StopRinging(leg_id=leg_id, agent_id=consultation.colleague_id))
        self.failed(turn, consultation, RingFailure.NO_ANSWER)

    # --- caller and colleague change places --------------------------------------------

    def hold(self, turn: Turn, call: Call, agent: Agent) -> None:
        """The caller hears music, the colleague the agent; of a conference these two are left.

        Raises:
            WrongStateError: the caller is held already.
        """
        self._talking.hold(turn, call, agent)
        consultation = self.consultations.find(call.call_id)
        if consultation is None:
            self.consultations.forget(call.call_id)
        elif consultation.state is ConsultationState.MERGED:
            consultation.state = ConsultationState.TALKING
        elif consultation.state is ConsultationState.TALKING:
            self._place(turn, consultation, call)

    def resume(self, turn: Turn, call: Call, agent: Agent) -> None:
        """The caller hears the agent, and the colleague music.

        Raises:
            WrongStateError: the caller is not held.
        """
        consultation = self.consultations.find(call.call_id)
        if consultation is not None and consultation.state is ConsultationState.TALKING:
            # First out, then in: for no moment do the two hear each other.
            turn.order(HoldLeg(leg_id=consultation.leg_id, call_id=call.call_id))
        self._talking.resume(turn, call, agent)
        if consultation is None:
            self.consultations.forget(call.call_id)

    # --- what comes of it --------------------------------------------------------------

    def merge(self, turn: Turn, call: Call, agent: Agent) -> None:
        """Caller, agent and colleague talk together.

        Raises:
            WrongStateError: no colleague has answered, or all talk together already.
        """
        consultation = self._answered(call, agent)
        if consultation.state is ConsultationState.MERGED:
            raise WrongStateError(f"call {call.call_id!r}", "a conference", "a consultation beside it")
        consultation.state = ConsultationState.MERGED
        turn.write(
            ledger.CallConferenced(
                call_id=call.call_id,
                agent_id=agent.agent_id,
                leg_id=consultation.leg_id,
                with_agent=consultation.colleague_id,
            )
        )
        if call.state is CallState.HELD:
            self._calls.close_talk(turn, call)
            call.state, call.talk_since = CallState.CONNECTED, turn.now
            self._roster.talk(turn, agent)
            turn.order(ResumeCall(call_id=call.call_id, leg_id=consultation.agent_leg))
        else:
            turn.order(JoinTalk(leg_id=consultation.agent_leg, joining=consultation.leg_id))

    def complete(self, turn: Turn, call: Call, agent: Agent, *, is_leg_up: bool = True) -> None:
        """The caller goes on with the colleague; the agent is through with the call.

        Raises:
            WrongStateError: no colleague has answered.
        """
        consultation = self._answered(call, agent)
        self.consultations.forget(call.call_id)
        self._calls.close_talk(turn, call)
        self._pass_on(turn, call, agent.agent_id, consultation.leg_id, consultation.colleague_id)
        if is_leg_up:
            turn.order(HangUpLeg(leg_id=consultation.agent_leg, agent_id=agent.agent_id))
        self._talking.begin_wrapup(turn, agent, call.queue_id)

    def cancel(self, turn: Turn, call: Call, agent: Agent) -> None:
        """The colleague is released, and the agent has the caller back.

        Raises:
            WrongStateError: nobody is consulted.
        """
        consultation = self.consultations.find(call.call_id)
        if consultation is None:
            raise WrongStateError(f"agent {agent.agent_id!r}", "consulting nobody", "a consultation")
        self._let_go(turn, consultation, ConsultationEnd.CANCELLED, is_leg_up=True)
        self.consultations.forget(call.call_id)
        if call.state is CallState.HELD:
            self._talking.resume(turn, call, agent)

    def colleague_left(self, turn: Turn, consultation: Consultation, *, is_leg_up: bool) -> None:
        """A held caller stays held, with the agent; of a conference two are left."""
        self._let_go(turn, consultation, ConsultationEnd.COLLEAGUE_LEFT, is_leg_up=is_leg_up)

    def follow(self, turn: Turn) -> None:
        """A talk can end in many ways: whoever stood beside one that is over is released."""
        for consultation in self.consultations:
            call = self._calls.find(consultation.call_id)
            if call is not None and call.leg_id == consultation.agent_leg:
                continue
            if consultation.state is not ConsultationState.OVER:
                self._let_go(turn, consultation, ConsultationEnd.CALL_OVER, is_leg_up=True)
            self.consultations.forget(consultation.call_id)

    # --- after a restart ---------------------------------------------------------------

    def take_up(self, turn: Turn, call: Call, open_: OpenConsultation, leg: LiveLeg | None) -> None:
        """Go on with a colleague whose answered leg lives; else the agent has the call alone."""
        assert call.agent_id is not None
        assert call.leg_id is not None
        consultation = Consultation(
            call_id=call.call_id,
            agent_id=call.agent_id,
            agent_leg=call.leg_id,
            leg_id=open_.leg_id,
            colleague_id=open_.agent_id,
            state=ConsultationState.MERGED if open_.is_merged else ConsultationState.TALKING,
        )
        self.consultations.add(consultation)
        if leg is None:
            self._end(turn, consultation, ConsultationEnd.RESTARTED)
        elif leg.state is MediaState.UP:
            self._place(turn, consultation, call)

    def take_over(self, turn: Turn, call: Call, agent_id: AgentId, leg: LiveLeg) -> None:
        """The agent hung up while this process was away: the caller goes on with the colleague."""
        self._calls.close_talk(turn, call)
        self._pass_on(turn, call, agent_id, leg.leg_id, leg.agent_id)

    # --- inside ------------------------------------------------------------------------

    def _answered(self, call: Call, agent: Agent) -> Consultation:
        consultation = self.consultations.find(call.call_id)
        if consultation is None or consultation.state is ConsultationState.RINGING:
            state = "consulting nobody" if consultation is None else "ringing a colleague"
            raise WrongStateError(f"agent {agent.agent_id!r}", state, "a colleague who has answered")
        return consultation

    def _place(self, turn: Turn, consultation: Consultation, call: Call) -> None:
        """Where an answered colleague belongs now: in the agent's talk, or on music."""
        if consultation.state is ConsultationState.MERGED or call.state is CallState.HELD:
            turn.order(JoinTalk(leg_id=consultation.agent_leg, joining=consultation.leg_id))
        else:
            turn.order(HoldLeg(leg_id=consultation.leg_id, call_id=call.call_id))

    def _pass_on(self, turn: Turn, call: Call, from_agent: AgentId, leg_id: LegId, to_agent: AgentId) -> None:
        turn.write(
            ledger.CallTransferred(
                call_id=call.call_id, agent_id=from_agent, to_queue=None, to_agent=to_agent, to_leg=leg_id
            )
        )
        self._talking.go_on(turn, call, leg_id, to_agent)

    def _let_go(
        self, turn: Turn, consultation: Consultation, reason: ConsultationEnd, *, is_leg_up: bool
    ) -> None:
        """Nobody's fault: a colleague who only rang has its old place back, one who talked a new one."""
        was_ringing = consultation.state is ConsultationState.RINGING
        colleague = self._roster.get(consultation.colleague_id)
        if is_leg_up:
            end = StopRinging if was_ringing else HangUpLeg
            turn.order(end(leg_id=consultation.leg_id, agent_id=colleague.agent_id))
        self._end(turn, consultation, reason)
        if was_ringing:
            self._roster.release(turn, colleague)
        else:
            self._roster.finish(turn, colleague)

    def _end(self, turn: Turn, consultation: Consultation, reason: str) -> None:
        self._timers.cancel((CONSULT_TIMER, consultation.leg_id))
        self.consultations.end(consultation, reason)
        turn.write(
            ledger.ConsultationEnded(
                call_id=consultation.call_id,
                agent_id=consultation.agent_id,
                leg_id=consultation.leg_id,
                to_agent=consultation.colleague_id,
                reason=reason,
            )
        )
