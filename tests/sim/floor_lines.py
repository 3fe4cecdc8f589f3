"""Calls that agents make, and what becomes of them on the lines, drawn for a teller."""

from router import facts
from router.facts import Fact
from router.ids import (
    CallId,
)
from router.outbound.outcome import OutboundOutcome
from router.outbound.state import OutboundState
from tests.sim.floor_cast import (
    NUMBERS,
)
from tests.sim.floor_names import FactMakers, Names


class LineFacts:
    def __init__(self, names: Names) -> None:
        self._names, self._rng = names, names.rng

    def makers(self) -> FactMakers:
        return (
            (5, self._dial_asked),
            (12, self._number_found),
            (12, lambda: facts.LineAnswered(call_id=self._names.outgoing())),
            (2, self._line_failed),
            (2, lambda: facts.LineHungUp(call_id=self._names.outgoing())),
            (2, lambda: facts.CallingHoursChanged(is_open=self._rng.random() < 0.8)),
        )

    def _dial_asked(self) -> Fact:
        live = [each.call_id for each in self._names.floor.outbound()]
        call_id = (
            self._rng.choice(live)
            if live and self._rng.random() < 0.1
            else CallId(self._names.new_name("out"))
        )
        return facts.DialAsked(
            agent_id=self._names.agent(), call_id=call_id, number=self._rng.choice(NUMBERS)
        )

    def _number_found(self) -> Fact:
        number = self._rng.choice((None, *NUMBERS))
        sought = [o.call_id for o in self._names.floor.outbound() if o.state is OutboundState.FINDING]
        return facts.NumberFound(call_id=self._names.one_of(sought, self._names.sought[-3:]), number=number)

    def _line_failed(self) -> Fact:
        outcomes = (OutboundOutcome.BUSY, OutboundOutcome.NO_ANSWER, OutboundOutcome.FAILED)
        return facts.LineFailed(call_id=self._names.outgoing(), outcome=self._rng.choice(outcomes))
