"""Facts about callers, agents' legs and trunk legs, as the telephony adapter tells them.

A PBX tells late and twice: what is about something that is over is passed over.
"""

from router import facts, ledger
from router.acd.calls import Call
from router.acd.ringing import Leg
from router.acd.roster import Agent
from router.acd.silence import PBX_SILENT
from router.agent import AgentState, RingFailure
from router.call import CallState, Disposition
from router.errors import NotAcceptingError, WrongStateError
from router.ids import CallId, LegId
from router.orders import HangUpLeg, RecordVoicemail, StopRinging
from router.outbound.line_facts import LineFacts
from router.parts import Parts
from router.turn import Turn

_ABANDONED_AS = {
    CallState.IVR: Disposition.ABANDONED_IN_IVR,
    CallState.QUEUED: Disposition.ABANDONED_IN_QUEUE,
    CallState.OFFERED: Disposition.ABANDONED_RINGING,
    CallState.OFFERED_REMOTE: Disposition.ABANDONED_RINGING,
    CallState.ENDING: Disposition.ABANDONED_IN_QUEUE,
}


class Callers:
    def __init__(self, parts: Parts, lines: LineFacts) -> None:
        self._parts = parts
        self._lines = lines

    # --- callers -----------------------------------------------------------------------

    def call_arrived(self, turn: Turn, fact: facts.CallArrived) -> None:
        self._parts.calls.ask_for_person(turn, self.take_in(turn, fact))

    def take_in(self, turn: Turn, fact: facts.CallArrived) -> Call:
        """The caller is this site's from here on.

        Raises:
            RouterError: refused; nothing changed.
        """
        if not self._parts.is_accepting:
            raise NotAcceptingError("it drains, or its store can keep no more rows")
        return self._parts.calls.arrive(turn, fact)

    def caller_hung_up(self, turn: Turn, fact: facts.CallerHungUp) -> None:
        call = self._parts.calls.find(fact.call_id)
        if call is None or self._parts.moving.leg_ended(turn, call.handoff_id, "CALLER_HUNG_UP"):
            return
        if call.state in (CallState.CONNECTED, CallState.HELD):
            self._parts.talking.end(turn, call, "CALLER_HUNG_UP", is_leg_up=True)
            return
        is_remote_talk = call.state is CallState.CONNECTED_REMOTE
        disposition = _ABANDONED_AS.get(call.state, Disposition.ANSWERED)
        if not call.has_asked:
            disposition = Disposition.ABANDONED_IN_IVR
        self._parts.origin.caller_gone(turn, call)
        self._stop_ringing(turn, call)
        if is_remote_talk:
            self._parts.calls.end_answered(turn, call, "CALLER_HUNG_UP")
        else:
            self._parts.calls.end_unanswered(turn, call, disposition, None)

    def call_failed(self, turn: Turn, fact: facts.CallFailed) -> None:
        call = self._parts.calls.find(fact.call_id)
        if call is not None and not self._parts.moving.leg_ended(turn, call.handoff_id, fact.reason):
            self.fail(turn, call, fact.reason)

    def pbx_died(self, turn: Turn, fact: facts.PbxDied) -> None:
        """Its channels' ends are told one by one; a helper's promises were no channels yet."""
        for agent in list(self._parts.roster):
            # No line leads outside any more: whoever is reached there is as little there as a phone.
            if self._parts.reach.is_outside(agent.agent_id):
                self._parts.roster.make_not_ready(turn, agent, AgentState.UNREACHABLE, fact.reason)
        self._parts.silence.pbx_died(turn, fact.reason)
        self._parts.helper.pbx_gone(turn, fact.reason, is_dead=True)

    def pbx_silent(self, turn: Turn, _fact: facts.PbxSilent) -> None:
        """Whoever is not joined yet is told, or is in its place again: nothing here rings or dials."""
        if not self._parts.silence.is_on:
            self._parts.origin.pbx_silent(turn, PBX_SILENT)
            self._parts.helper.pbx_gone(turn, PBX_SILENT, is_dead=False)
            self._parts.silence.begin(turn)

    def pbx_heard(self, turn: Turn, _fact: facts.PbxHeard) -> None:
        """Who is idle serves who waits, and helpers are asked for the others."""
        if self._parts.silence.is_on:
            for queue in self._parts.queues:
                for call_id in self._parts.calls.waiting.first_free(queue.policy.queue_id, 1):
                    turn.unserved[call_id] = None
        self._parts.silence.end(turn)

    def fail(self, turn: Turn, call: Call, reason: str) -> None:
        """The media is lost: the call ends as FAILED wherever it stands, its agent is free."""
        self._parts.origin.caller_gone(turn, call)
        self._stop_ringing(turn, call)
        self._parts.calls.close_talk(turn, call)
        agent = self._parts.roster.find(call.agent_id) if call.agent_id is not None else None
        if agent is not None and call.leg_id is not None:
            turn.order(HangUpLeg(leg_id=call.leg_id, agent_id=agent.agent_id))
        self._parts.calls.end_failed(turn, call, reason)
        if agent is not None:
            self._parts.talking.begin_wrapup(turn, agent, call.queue_id)

    def voicemail_chosen(self, turn: Turn, fact: facts.CallerChoseVoicemail) -> None:
        self.send_to_voicemail(turn, self._waiting(fact.call_id))

    def send_to_voicemail(self, turn: Turn, call: Call) -> None:
        """No agent is looked for any more; a hand-off in progress is cancelled."""
        self._parts.origin.let_go(turn, call, "VOICEMAIL")
        self._parts.calls.take_out(call)
        turn.unserved.pop(call.call_id, None)
        call.state = CallState.ENDING
        turn.write(ledger.VoicemailBegan(call_id=call.call_id, queue_id=call.queue_id))
        turn.order(RecordVoicemail(call_id=call.call_id, queue_id=call.queue_id))

    def voicemail_recorded(self, turn: Turn, fact: facts.VoicemailRecorded) -> None:
        call = self._parts.calls.find(fact.call_id)
        if call is not None and call.state is CallState.ENDING:
            turn.write(ledger.VoicemailLeft(call_id=call.call_id, queue_id=call.queue_id))
            self._parts.calls.end_unanswered(turn, call, Disposition.VOICEMAIL, None)

    def message_found(self, turn: Turn, fact: facts.MessageFound) -> None:
        """A call like any other in the books, arrived and over in one turn: no person was ever asked for.

        Raises:
            RouterError: refused; nothing changed.
        """
        call = self._take_in_gone(turn, fact)
        turn.write(ledger.VoicemailBegan(call_id=call.call_id, queue_id=call.queue_id))
        turn.write(ledger.VoicemailLeft(call_id=call.call_id, queue_id=call.queue_id))
        self._parts.calls.end_gone(turn, call, Disposition.VOICEMAIL, "NODE_DOWN")

    def left_alone(self, turn: Turn, fact: facts.CallerLeftAlone) -> None:
        """The same without a message: a machine alone has met them, as in the IVR, so no wait is counted.

        Raises:
            RouterError: refused; nothing changed.
        """
        call = self._take_in_gone(turn, fact)
        if fact.was_put_through:
            self._parts.calls.end_gone(turn, call, Disposition.NO_AGENTS, "PUT_THROUGH")
        else:
            self._parts.calls.end_gone(turn, call, Disposition.ABANDONED_IN_IVR, "NODE_DOWN")

    def callback_chosen(self, turn: Turn, fact: facts.CallerChoseCallback) -> None:
        self.request_callback(turn, self._waiting(fact.call_id))

    def request_callback(self, turn: Turn, call: Call) -> None:
        self._parts.origin.let_go(turn, call, "CALLBACK")
        self._parts.callbacks.request(turn, call)
        self._parts.calls.end_unanswered(turn, call, Disposition.CALLBACK, None)

    # --- agents' legs ------------------------------------------------------------------

    def leg_rang(self, turn: Turn, fact: facts.LegRang) -> None:
        leg = self._parts.ringing.find(fact.leg_id)
        if leg is None:
            return
        self._parts.ringing.rang(turn, leg)
        if leg.handoff_id is not None:
            help_ = self._parts.helper.find(leg.handoff_id)
            assert help_ is not None
            self._parts.helper.leg_rang(turn, leg, help_)

    def leg_answered(self, turn: Turn, fact: facts.LegAnswered) -> None:
        leg = self._parts.ringing.find(fact.leg_id)
        if leg is None:
            return
        self._parts.ringing.answer(turn, leg.leg_id)
        if leg.handoff_id is not None:
            help_ = self._parts.helper.find(leg.handoff_id)
            assert help_ is not None
            self._parts.helper.leg_answered(turn, leg, help_)
            return
        outbound = self._parts.outgoing.find(leg.call_id)
        if outbound is not None:
            self._parts.outgoing.leg_answered(turn, outbound)
            return
        call = self._parts.calls.get(leg.call_id)
        call.ringing.remove(leg.leg_id)
        self._stop_ringing(turn, call)
        self._parts.talking.connect(turn, call, leg)

    def leg_failed(self, turn: Turn, fact: facts.LegFailed) -> None:
        leg = self._parts.ringing.find(fact.leg_id)
        if leg is not None:
            self._rang_in_vain(turn, leg, fact.reason)

    def ring_over(self, turn: Turn, leg_id: LegId) -> None:
        """A place has rung as long as it may."""
        leg = self._parts.ringing.find(leg_id)
        assert leg is not None
        turn.order(StopRinging(leg_id=leg_id, agent_id=leg.agent_id))
        self._rang_in_vain(turn, leg, RingFailure.NO_ANSWER)

    def leg_hung_up(self, turn: Turn, fact: facts.LegHungUp) -> None:
        leg = self._parts.ringing.find(fact.leg_id)
        if leg is not None:
            self._rang_in_vain(turn, leg, RingFailure.REJECTED)
            return
        agent = self._parts.roster.find_by_leg(fact.leg_id)
        if agent is not None:
            self.end_talk(turn, agent, is_leg_up=False)

    def end_talk(self, turn: Turn, agent: Agent, *, is_leg_up: bool) -> None:
        """The agent is through with its connected call."""
        if agent.handoff_id is not None:
            help_ = self._parts.helper.find(agent.handoff_id)
            assert help_ is not None
            if is_leg_up and help_.leg_id is not None:
                turn.order(HangUpLeg(leg_id=help_.leg_id, agent_id=agent.agent_id))
            self._parts.helper.leg_over(turn, help_)
            return
        assert agent.call_id is not None
        outbound = self._parts.outgoing.find(agent.call_id)
        if outbound is not None:
            self._parts.outgoing.agent_over(turn, outbound, is_leg_up=is_leg_up)
            return
        call = self._parts.calls.get(agent.call_id)
        self._parts.talking.end(turn, call, "AGENT_HUNG_UP", is_leg_up=is_leg_up)

    # --- trunk legs --------------------------------------------------------------------

    def trunk_call_arrived(self, turn: Turn, fact: facts.TrunkCallArrived) -> None:
        if self._parts.lending.peer_of(fact.handoff_id) is not None:
            self._parts.lending.invited(turn, fact.handoff_id, fact.from_site)
        elif self._parts.taking_in.expects(fact.handoff_id):
            self._parts.taking_in.invited(turn, fact.handoff_id, fact.from_site)
        elif self._parts.taking_over.expects(fact.handoff_id):
            self._parts.taking_over.invited(turn, fact.handoff_id, fact.from_site)
        else:
            self._parts.helper.invited(turn, fact.handoff_id, fact.from_site)

    def move_tried(self, turn: Turn, fact: facts.MoveTried) -> None:
        self._parts.moving.tried(turn, fact.handoff_id)

    def trunk_moved(self, turn: Turn, fact: facts.TrunkMoved) -> None:
        self._parts.taking_over.moved(turn, fact.handoff_id)

    def trunk_rang(self, turn: Turn, fact: facts.TrunkRang) -> None:
        handoff = self._parts.origin.find(fact.handoff_id)
        if handoff is not None:
            self._parts.origin.trunk_rang(turn, handoff)

    def trunk_answered(self, turn: Turn, fact: facts.TrunkAnswered) -> None:
        handoff = self._parts.origin.find(fact.handoff_id)
        if handoff is not None:
            self._parts.origin.trunk_answered(turn, handoff)
        else:
            self._lines.trunk_answered(turn, fact)

    def trunk_failed(self, turn: Turn, fact: facts.TrunkFailed) -> None:
        handoff = self._parts.origin.find(fact.handoff_id)
        if handoff is not None:
            self._parts.origin.trunk_over(turn, handoff, fact.reason)
        else:
            self._lines.trunk_failed(turn, fact)

    def trunk_hung_up(self, turn: Turn, fact: facts.TrunkHungUp) -> None:
        handoff = self._parts.origin.find(fact.handoff_id)
        help_ = self._parts.helper.find(fact.handoff_id)
        if handoff is not None:
            if not self._parts.moving.leg_ended(turn, fact.handoff_id, "TRUNK_HUNG_UP"):
                self._parts.origin.trunk_over(turn, handoff, "TRUNK_HUNG_UP")
        elif help_ is not None:
            self._parts.helper.trunk_over(turn, help_)
        else:
            self._lines.trunk_hung_up(turn, fact)

    # --- inside ------------------------------------------------------------------------

    def _rang_in_vain(self, turn: Turn, leg: Leg, reason: RingFailure) -> None:
        next_leg = self._parts.ringing.move_on(turn, leg, reason)
        if next_leg is not None:
            self._offer_moved(leg, next_leg)
        else:
            self._parts.ringing.fail(turn, leg, reason)
            self._offer_failed(turn, leg)

    def _offer_moved(self, leg: Leg, next_leg: Leg) -> None:
        """Whoever knows the offer by its leg knows it by the next one from here on."""
        help_ = self._parts.helper.find(leg.handoff_id) if leg.handoff_id is not None else None
        outbound = self._parts.outgoing.find(leg.call_id)
        if help_ is not None:
            help_.leg_id = next_leg.leg_id
        elif outbound is not None:
            outbound.leg_id = next_leg.leg_id
        else:
            ringing = self._parts.calls.get(leg.call_id).ringing
            ringing[ringing.index(leg.leg_id)] = next_leg.leg_id

    def _offer_failed(self, turn: Turn, leg: Leg) -> None:
        """The offer is over without an answer: the call is in its place again."""
        if leg.handoff_id is not None:
            help_ = self._parts.helper.find(leg.handoff_id)
            assert help_ is not None
            self._parts.helper.leg_failed(turn, help_)
            return
        outbound = self._parts.outgoing.find(leg.call_id)
        if outbound is not None:
            self._parts.outgoing.leg_failed(turn, outbound)
            return
        call = self._parts.calls.get(leg.call_id)
        call.ringing.remove(leg.leg_id)
        if not call.ringing:
            self._parts.calls.line_up(turn, call)

    def _stop_ringing(self, turn: Turn, call: Call) -> None:
        for leg_id in call.ringing:
            self._parts.ringing.stop(turn, leg_id)
        call.ringing.clear()

    def _take_in_gone(self, turn: Turn, fact: facts.MessageFound | facts.CallerLeftAlone) -> Call:
        arrived = facts.CallArrived(
            call_id=fact.call_id,
            queue_id=fact.queue_id,
            dialled=fact.dialled,
            customer_id=fact.customer_id,
        )
        return self.take_in(turn, arrived)

    def _waiting(self, call_id: CallId) -> Call:
        call = self._parts.calls.get(call_id)
        if call.state is not CallState.QUEUED:
            raise WrongStateError(f"call {call_id!r}", call.state, "a call that waits in its queue")
        return call
