"""What agents' states and offers say: occupancy, and how often a phone rang in vain."""

from collections.abc import Iterable
from typing import Protocol

from router.agent import BUSY, AgentState, RingFailure
from router.ids import CallId
from router.ledger import AgentOffered, LedgerRow, OutboundBegan, RingFailed


class StateSpan(Protocol):
    """How long an agent was in a state; `router.records` folds it from the ledger."""

    @property
    def state(self) -> AgentState: ...
    @property
    def duration_ms(self) -> int | None: ...


def occupancy(spans: Iterable[StateSpan]) -> float | None:
    """(talk + hold + wrap-up) / (the same + ready), in percent.

    Not-ready time is outside, and so is ringing and being reserved: the agent can neither
    work nor take another call then. A span that still lasts does not count.
    """
    busy_ms = ready_ms = 0
    for span in spans:
        if span.duration_ms is None:
            continue
        if span.state in BUSY:
            busy_ms += span.duration_ms
        elif span.state is AgentState.READY:
            ready_ms += span.duration_ms
    total_ms = busy_ms + ready_ms
    return 100 * busy_ms / total_ms if total_ms else None


def ring_no_answer_rate(rows: Iterable[LedgerRow]) -> float | None:
    """Rings without an answer / offers to agents, in percent; rejected, busy and unreachable are others.

    The ring of an agent's own phone for a number that it dials is no offer; a callback's is one.
    An offer that rings at several places is one offer.
    """
    offers = missed = 0
    dialled: set[CallId] = set()
    for row in rows:
        entry = row.entry
        if isinstance(entry, OutboundBegan) and entry.callback_of is None:
            dialled.add(entry.call_id)
        elif isinstance(entry, AgentOffered):
            offers += entry.after_leg is None and entry.call_id not in dialled
        elif isinstance(entry, RingFailed) and entry.call_id not in dialled:
            missed += entry.reason is RingFailure.NO_ANSWER
    return 100 * missed / offers if offers else None
