"""Where return visits stand and how they ended, as people read it."""

from collections.abc import Mapping

from node.words import marked
from node.words import text as _
from router.outbound.outcome import OutboundOutcome
from router.visit.outcome import VisitOutcome
from router.visit.visit import Standing

_STANDINGS: Mapping[Standing, str] = {
    Standing.DUE: marked("to be called"),
    Standing.LATER: marked("later"),
    Standing.RESTING: marked("resting"),
    Standing.TRYING: marked("being called"),
    Standing.DONE: marked("done"),
}
_OUTCOMES: Mapping[VisitOutcome, str] = {
    VisitOutcome.REACHED: marked("reached"),
    VisitOutcome.NOT_REACHED: marked("not reached"),
    VisitOutcome.NO_NUMBER: marked("no number"),
    VisitOutcome.NOT_ALLOWED: marked("may not be dialled"),
    VisitOutcome.REMOVED: marked("taken off"),
}
_TRIES: Mapping[str, str] = {
    OutboundOutcome.ANSWERED: marked("answered"),
    OutboundOutcome.BUSY: marked("line busy"),
    OutboundOutcome.NO_ANSWER: marked("no answer"),
    OutboundOutcome.FAILED: marked("failed"),
    OutboundOutcome.AGENT_MISSED: marked("agent missed it"),
    OutboundOutcome.AGENT_GAVE_UP: marked("agent gave up"),
    OutboundOutcome.NO_NUMBER: marked("no number"),
    OutboundOutcome.NOT_ALLOWED: marked("may not be dialled"),
    OutboundOutcome.NO_LINE: marked("no line"),
    OutboundOutcome.LIMIT: marked("no line free"),
    OutboundOutcome.INTERRUPTED: marked("interrupted"),
}


def standing_name(standing: Standing, outcome: VisitOutcome | None = None) -> str:
    """How it ended says more than that it is done."""
    return _(_STANDINGS[standing]) if outcome is None else _(_OUTCOMES[outcome])


def try_name(outcome: str | None) -> str:
    """Empty before the first; an outcome of a newer branch is shown as it is."""
    return "" if outcome is None else _(_TRIES[outcome]) if outcome in _TRIES else outcome
