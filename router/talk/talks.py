"""Facts about talks that more than one agent may be in, as desks and phones tell them.

What concerns a caller and one agent alone is passed on to `Callers` and `Desks`.
"""

from router import facts
from router.acd.calls import Call
from router.acd.roster import Agent
from router.agent import AgentState, RingFailure
from router.callers import Callers
from router.desks import Desks
from router.errors import WrongStateError
from router.ids import AgentId, QueueId
from router.parts import Parts
from router.talk.consultation import Consultation, ConsultationState
from router.talk.supervision import SupervisionEnd
from router.turn import Turn

_TALKING = (AgentState.TALKING, AgentState.ON_HOLD)


class Talks:
    def __init__(self, parts: Parts, callers: Callers, desks: Desks) -> None:
        self._parts = parts
        self._consultations = parts.consulting.consultations
        self._supervisions = parts.supervising.supervisions
        self._callers = callers
        self._desks = desks

    # --- what phones tell --------------------------------------------------------------

    def leg_answered(self, turn: Turn, fact: facts.LegAnswered) -> None:
        consultation = self._consultations.find_by_leg(fact.leg_id)
        supervision = self._supervisions.find_by_leg(fact.leg_id)
        if supervision is not None:
            if not supervision.is_up:
                self._parts.supervising.answered(turn, supervision)
        elif consultation is None:
            self._callers.leg_answered(turn, fact)
        elif consultation.state is ConsultationState.RINGING:
            self._parts.consulting.answered(turn, consultation)

    def leg_failed(self, turn: Turn, fact: facts.LegFailed) -> None:
        consultation = self._consultations.find_by_leg(fact.leg_id)
        supervision = self._supervisions.find_by_leg(fact.leg_id)
        if supervision is not None:
            if not supervision.is_up:
                self._parts.supervising.over(turn, supervision, SupervisionEnd.LEFT, is_leg_up=False)
        elif consultation is None:
            self._callers.leg_failed(turn, fact)
        elif consultation.state is ConsultationState.RINGING:
            self._parts.consulting.failed(turn, consultation, fact.reason)

    def leg_hung_up(self, turn: Turn, fact: facts.LegHungUp) -> None:
        consultation = self._consultations.find_by_leg(fact.leg_id)
        supervision = self._supervisions.find_by_leg(fact.leg_id)
        agent = self._parts.roster.find_by_leg(fact.leg_id)
        if supervision is not None:
            self._parts.supervising.over(turn, supervision, SupervisionEnd.LEFT, is_leg_up=False)
        elif consultation is None:
            if agent is None or not self._is_passed_on(turn, agent, is_leg_up=False):
                self._callers.leg_hung_up(turn, fact)
        elif consultation.state is ConsultationState.RINGING:
            self._parts.consulting.failed(turn, consultation, RingFailure.REJECTED)
        else:
            self._parts.consulting.colleague_left(turn, consultation, is_leg_up=False)

    # --- what desks ask ----------------------------------------------------------------

    def consult_asked(self, turn: Turn, fact: facts.ConsultAsked) -> None:
        agent, call = self._with_caller(fact.agent_id)
        colleague = self._parts.roster.get(fact.to_agent)
        self._parts.consulting.ask(turn, call, agent, colleague, self._parts.new_leg_id())

    def complete_asked(self, turn: Turn, fact: facts.CompleteAsked) -> None:
        agent, call = self._with_caller(fact.agent_id)
        self._parts.consulting.complete(turn, call, agent)

    def cancel_asked(self, turn: Turn, fact: facts.CancelAsked) -> None:
        agent, call = self._with_caller(fact.agent_id)
        self._parts.consulting.cancel(turn, call, agent)

    def merge_asked(self, turn: Turn, fact: facts.MergeAsked) -> None:
        agent, call = self._with_caller(fact.agent_id)
        self._parts.consulting.merge(turn, call, agent)

    def hold_asked(self, turn: Turn, fact: facts.HoldAsked) -> None:
        """Of caller and colleague the agent goes on with the colleague."""
        agent = self._parts.roster.get(fact.agent_id)
        if self._consultation_of(agent) is None:
            self._desks.hold_asked(turn, fact)
        else:
            agent, call = self._with_caller(fact.agent_id)
            self._parts.consulting.hold(turn, call, agent)

    def resume_asked(self, turn: Turn, fact: facts.ResumeAsked) -> None:
        """Of caller and colleague the agent goes on with the caller."""
        agent = self._parts.roster.get(fact.agent_id)
        if self._consultation_of(agent) is None:
            self._desks.resume_asked(turn, fact)
        else:
            agent, call = self._with_caller(fact.agent_id)
            self._parts.consulting.resume(turn, call, agent)

    def transfer_asked(self, turn: Turn, fact: facts.TransferAsked) -> None:
        """A blind one; whoever is consulted has to be released before."""
        agent = self._parts.roster.get(fact.agent_id)
        consultation = self._consultation_of(agent)
        if consultation is not None and consultation.state is not ConsultationState.OVER:
            raise WrongStateError(f"agent {agent.agent_id!r}", "consulting", "no consultation in progress")
        self._desks.transfer_asked(turn, fact)

    def hang_up_asked(self, turn: Turn, fact: facts.HangUpAsked) -> None:
        agent = self._parts.roster.get(fact.agent_id)
        consultation = self._consultations.find_by_leg(agent.leg_id)
        if consultation is not None and consultation.state is not ConsultationState.RINGING:
            self._parts.consulting.colleague_left(turn, consultation, is_leg_up=True)
        elif not self._is_passed_on(turn, agent, is_leg_up=True):
            self._desks.hang_up_asked(turn, fact)

    def recording_asked(self, turn: Turn, fact: facts.RecordingAsked) -> None:
        _agent, call = self._with_caller(fact.agent_id)
        self._parts.recordings.asked(turn, call, fact.act)

    def recording_finished(self, turn: Turn, fact: facts.RecordingFinished) -> None:
        self._parts.recordings.finished(turn, fact.recording_id, fact.duration_ms)

    # --- what supervisors ask ----------------------------------------------------------

    def supervise_asked(self, turn: Turn, fact: facts.SuperviseAsked) -> None:
        agent = self._parts.roster.get(fact.agent_id)
        before = self._supervisions.of(fact.supervisor)
        if before is not None and before.agent_id == agent.agent_id:
            self._parts.supervising.change(turn, before, fact.mode)
            return
        if self._consultations.find_by_leg(agent.leg_id) is not None:
            raise WrongStateError(f"agent {agent.agent_id!r}", "consulted", "a caller of its own")
        self._parts.supervising.begin(
            turn,
            agent,
            supervisor=fact.supervisor,
            phone=fact.phone,
            mode=fact.mode,
            leg_id=self._parts.new_leg_id(),
            queue_id=self._queue_of(agent),
        )

    def supervision_end_asked(self, turn: Turn, fact: facts.SupervisionEndAsked) -> None:
        supervision = self._supervisions.of(fact.supervisor)
        if supervision is None:
            raise WrongStateError(f"supervisor {fact.supervisor!r}", "beside no talk", "a talk to leave")
        self._parts.supervising.over(turn, supervision, SupervisionEnd.LEFT, is_leg_up=True)

    # --- inside ------------------------------------------------------------------------

    def _queue_of(self, agent: Agent) -> QueueId:
        """The queue of the call that the agent serves; of none for one without a call, which is refused."""
        help_ = self._parts.helper.find(agent.handoff_id) if agent.handoff_id is not None else None
        if help_ is not None and help_.call is not None:
            return help_.call.queue_id
        call = self._parts.calls.find(agent.call_id) if agent.call_id is not None else None
        return call.queue_id if call is not None else QueueId("")

    def _is_passed_on(self, turn: Turn, agent: Agent, *, is_leg_up: bool) -> bool:
        """An agent who hangs up on an answered colleague leaves the caller to it."""
        consultation = self._consultations.find(agent.call_id) if agent.call_id is not None else None
        if (
            consultation is None
            or consultation.agent_leg != agent.leg_id
            or consultation.state is ConsultationState.RINGING
        ):
            return False
        call = self._parts.calls.get(consultation.call_id)
        self._parts.consulting.complete(turn, call, agent, is_leg_up=is_leg_up)
        return True

    def _consultation_of(self, agent: Agent) -> Consultation | None:
        """The one that it asked for or was asked in, live or just over."""
        asked_in = self._consultations.find_by_leg(agent.leg_id)
        if asked_in is not None or agent.call_id is None:
            return asked_in
        seen = self._consultations.seen(agent.call_id)
        return seen if seen is not None and seen.agent_leg == agent.leg_id else None

    def _with_caller(self, agent_id: AgentId) -> tuple[Agent, Call]:
        """An agent who has a caller of this site's in hand.

        Raises:
            WrongStateError: it has none, or is only consulted about one.
        """
        agent = self._parts.roster.get(agent_id)
        if agent.state not in _TALKING or agent.call_id is None:
            raise WrongStateError(f"agent {agent_id!r}", agent.state, "a connected call")
        if agent.handoff_id is not None:
            raise WrongStateError(f"agent {agent_id!r}", "serving another site's call", "a call of this site")
        if self._consultations.find_by_leg(agent.leg_id) is not None:
            raise WrongStateError(f"agent {agent_id!r}", "consulted", "a caller of its own")
        return agent, self._parts.calls.get(agent.call_id)
