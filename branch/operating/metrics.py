"""What a branch counts and shows at /metrics.

Labels are bounded: queue, state, reason; never a call or an agent.
"""

from collections import Counter as CountOf
from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from branch.store.health import StoreState
from router import ledger
from router.call import ABANDONED, CallState, Disposition
from router.errors import RouterError
from router.facts import Fact
from router.floor import Floor
from router.ledger import Entry, LedgerRow

WAIT_BUCKETS_S = (1, 2, 5, 10, 20, 30, 60, 120, 300)
"""20 s is the default service-level target (85 % within 20 s), so it must be an edge."""

COMMIT_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""An order that cannot be undone waits this long; a caller notices from about 0.2 s on."""


_HANDOFF_OUTCOMES = {
    entry.kind: entry.kind.removeprefix("HANDOFF_")
    for entry in (
        ledger.HandoffAsked,
        ledger.HandoffRefused,
        ledger.HandoffExpired,
        ledger.HandoffCancelled,
        ledger.HandoffConnected,
        ledger.HandoffConfirmed,
        ledger.HandoffMoved,
        ledger.HandoffStayed,
        ledger.HandoffRedirected,
        ledger.HandoffPromised,
        ledger.HandoffTakenIn,
    )
}

_ONE_SIDED = {
    ledger.HandoffConfirmed.kind: ledger.Role.HELPER,
    ledger.HandoffStayed.kind: ledger.Role.ORIGIN,
    ledger.HandoffRedirected.kind: ledger.Role.ORIGIN,
    ledger.HandoffPromised.kind: ledger.Role.HELPER,
    ledger.HandoffTakenIn.kind: ledger.Role.HELPER,
}
"""Rows of hand-offs that one side alone writes."""

_NOTED = _HANDOFF_OUTCOMES.keys() | {ledger.CallConnected.kind, ledger.CallEnded.kind}

_REASON_LIMIT = 50

_WAITING = frozenset({CallState.QUEUED, CallState.OFFERED, CallState.OFFERED_REMOTE})


class BranchInstruments:
    """Counters and histograms, fed by the ledger's rows as they are written."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.answered_wait_seconds = Histogram(
            "trunkline_answered_wait_seconds",
            "From the first request for a person to the answer, of calls of this site.",
            ["queue"],
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self.abandoned_wait_seconds = Histogram(
            "trunkline_abandoned_wait_seconds",
            "From the first request for a person to the caller's end, of calls that nobody answered.",
            ["queue"],
            buckets=WAIT_BUCKETS_S,
            registry=registry,
        )
        self.calls_ended_total = Counter(
            "trunkline_calls_ended_total", "Calls of this site by ending.", ["disposition"], registry=registry
        )
        self.handoffs_total = Counter(
            "trunkline_handoffs_total",
            "Steps of hand-offs by this site's side of them; the reason of refusals and ends.",
            ["role", "outcome", "reason"],
            registry=registry,
        )
        self.facts_refused_total = Counter(
            "trunkline_facts_refused_total",
            "Facts that the desk refused, by RouterError.reason.",
            ["fact", "reason"],
            registry=registry,
        )
        self.tokens_refused_total = Counter(
            "trunkline_tokens_refused_total",
            "INVITEs of other sites with a token that is not ours (TokenError.reason) or no longer good "
            "(TrunkRefusal).",
            ["reason"],
            registry=registry,
        )
        self.commit_duration_seconds = Histogram(
            "trunkline_commit_duration_seconds",
            "Of a group of ledger rows, from its begin to the disk.",
            buckets=COMMIT_BUCKETS_S,
            registry=registry,
        )
        self._reasons: set[str] = set()

    def note_rows(self, rows: Sequence[LedgerRow]) -> None:
        for row in rows:
            if row.entry.kind in _NOTED:
                self._note(row.entry)

    def note_refusal(self, fact: Fact, refusal: RouterError) -> None:
        self.facts_refused_total.labels(type(fact).__name__, refusal.reason).inc()

    def _note(self, entry: Entry) -> None:
        if isinstance(entry, ledger.CallConnected):
            self.answered_wait_seconds.labels(entry.queue_id).observe(entry.waited_ms / 1_000)
        elif isinstance(entry, ledger.CallEnded):
            self._note_end(entry)
        else:
            role = getattr(entry, "role", _ONE_SIDED.get(entry.kind))
            reason = str(getattr(entry, "reason", "") or getattr(entry, "stage", ""))
            self.handoffs_total.labels(role, _HANDOFF_OUTCOMES[entry.kind], self._bounded(reason)).inc()

    def _bounded(self, reason: str) -> str:
        """A peer words the reasons of its cancellations: only so many become time series."""
        if reason not in self._reasons and len(self._reasons) < _REASON_LIMIT:
            self._reasons.add(reason)
        return reason if reason in self._reasons else "OTHER"

    def _note_end(self, ended: ledger.CallEnded) -> None:
        self.calls_ended_total.labels(ended.disposition).inc()
        is_unanswered = ended.disposition in ABANDONED or ended.disposition is Disposition.TIMED_OUT
        if is_unanswered and ended.queue_id is not None:
            self.abandoned_wait_seconds.labels(ended.queue_id).observe(ended.waited_ms / 1_000)


class FloorCollector(Collector):
    """Counts the floor's calls, agents and hand-offs when somebody looks."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def collect(self) -> Iterable[Metric]:
        yield _by_state("calls", "Calls in the system.", (each.state for each in self._floor.calls()))
        yield _count_by(
            "queue",
            "calls_waiting",
            "Calls that nobody has answered yet.",
            (each.queue_id for each in self._floor.calls() if each.state in _WAITING),
        )
        yield _by_state("agents", "Agents logged in.", (each.state for each in self._floor.agents()))
        yield _by_state(
            "handoffs_live", "Hand-offs that are kept.", (each.state for each in self._floor.handoffs())
        )


class StoreCollector(Collector):
    """Shows in which state the store is: 1 for that one, 0 for the others."""

    def __init__(self, read: Callable[[], StoreState]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        current = self._read()
        family = GaugeMetricFamily(
            "trunkline_store_state", "1 for the state that the store is in.", labels=["state"]
        )
        for state in StoreState:
            family.add_metric([state], 1 if state is current else 0)
        yield family


def gauge(registry: CollectorRegistry, name: str, help_text: str, read: Callable[[], float]) -> None:
    """A figure that is read when somebody looks; NaN says that there is none yet."""
    Gauge(f"trunkline_{name}", help_text, registry=registry).set_function(read)


def _by_state(name: str, help_text: str, states: Iterable[str]) -> Metric:
    return _count_by("state", name, help_text, states)


def _count_by(label: str, name: str, help_text: str, values: Iterable[str]) -> Metric:
    family = GaugeMetricFamily(f"trunkline_{name}", help_text, labels=[label])
    for value, count in sorted(CountOf(values).items()):
        family.add_metric([value], count)
    return family
