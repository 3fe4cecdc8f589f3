"""What agents' states and offers say: occupancy, and how often a phone rang in vain."""

from collections.abc import Iterable
from typing import Protocol

from router.agent import BUSY, AgentState, RingFailure
from router.ledger import AgentOffered, LedgerRow, RingFailed


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
    """Rings without an answer / offers to agents, in percent; rejected, busy and unreachable are others."""
    offers = missed = 0
    for row in rows:
        if isinstance(row.entry, AgentOffered):
            offers += 1
        elif isinstance(row.entry, RingFailed):
            missed += row.entry.reason is RingFailure.NO_ANSWER
    return 100 * missed / offers if offers else None
