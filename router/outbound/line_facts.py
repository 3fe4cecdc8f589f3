"""Facts about lines, and about trunks that lead to or from one, as the telephony adapter tells them.

What is about something that is over is passed over.
"""

from router import facts
from router.ids import CallId
from router.outbound.outcome import OutboundOutcome
from router.parts import Parts
from router.turn import Turn

_TRUNK_ENDINGS = {"BUSY": OutboundOutcome.BUSY, "NO_ANSWER": OutboundOutcome.NO_ANSWER}
"""What the other site's PBX says of its line; all else failed on the way."""


class LineFacts:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def dial_asked(self, turn: Turn, fact: facts.DialAsked) -> None:
        self._parts.outgoing.dial(turn, fact, is_accepting=self._parts.is_accepting)

    def number_found(self, turn: Turn, fact: facts.NumberFound) -> None:
        outbound = self._parts.outgoing.find(fact.call_id)
        if outbound is not None:
            self._parts.outgoing.number_found(turn, outbound, fact.number)

    def calling_hours_changed(self, turn: Turn, fact: facts.CallingHoursChanged) -> None:
        self._parts.callbacks.set_open(turn, is_open=fact.is_open)

    # --- our own lines -----------------------------------------------------------------

    def line_answered(self, turn: Turn, fact: facts.LineAnswered) -> None:
        outbound = self._parts.outgoing.find(fact.call_id)
        loan = self._parts.lending.find_by_call(fact.call_id)
        if outbound is not None:
            self._parts.outgoing.answered(turn, outbound)
        elif loan is not None:
            self._parts.lending.answered(turn, loan)

    def line_failed(self, turn: Turn, fact: facts.LineFailed) -> None:
        self._line_over(turn, fact.call_id, fact.outcome)

    def line_hung_up(self, turn: Turn, fact: facts.LineHungUp) -> None:
        self._line_over(turn, fact.call_id, OutboundOutcome.FAILED)

    # --- trunks ------------------------------------------------------------------------

    def trunk_answered(self, turn: Turn, fact: facts.TrunkAnswered) -> None:
        outbound = self._parts.outgoing.find_by_trunk(fact.handoff_id)
        if outbound is not None:
            self._parts.outgoing.answered(turn, outbound)

    def trunk_failed(self, turn: Turn, fact: facts.TrunkFailed) -> None:
        outbound = self._parts.outgoing.find_by_trunk(fact.handoff_id)
        if outbound is not None:
            outcome = _TRUNK_ENDINGS.get(fact.reason, OutboundOutcome.FAILED)
            self._parts.outgoing.line_over(turn, outbound, outcome)

    def trunk_hung_up(self, turn: Turn, fact: facts.TrunkHungUp) -> None:
        outbound = self._parts.outgoing.find_by_trunk(fact.handoff_id)
        loan = self._parts.lending.find(fact.handoff_id)
        if outbound is not None:
            self._parts.outgoing.line_over(turn, outbound, OutboundOutcome.FAILED)
        elif loan is not None:
            self._parts.lending.trunk_over(turn, loan)

    def _line_over(self, turn: Turn, call_id: CallId, outcome: OutboundOutcome) -> None:
        outbound = self._parts.outgoing.find(call_id)
        loan = self._parts.lending.find_by_call(call_id)
        if outbound is not None:
            self._parts.outgoing.line_over(turn, outbound, outcome)
        elif loan is not None and loan.lent_at is not None:
            self._parts.lending.line_over(turn, loan, outcome)
