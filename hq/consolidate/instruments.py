"""What the consolidation counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sync.clock_comparison import ClockComparison

_BATCH_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConsolidationInstruments:
    """HQ's figures, bound to one registry."""

    def __init__(self, registry: CollectorRegistry, *, speed: float = 1.0) -> None:
        """`speed` is that of the clocks: the lab's run faster."""
        self.clocks = ClockComparison(registry, speed=speed)
        self.rows_total = Counter(
            "trunkline_consolidation_rows_total", "Rows and tombstones taken.", ["site"], registry=registry
        )
        self.quarantined_rows_total = Counter(
            "trunkline_consolidation_quarantined_rows_total",
            "Rows that their table refused.",
            ["site"],
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "trunkline_consolidation_batch_seconds",
            "One batch from its turn to its commit.",
            buckets=_BATCH_BUCKETS_S,
            registry=registry,
        )
        self.pulls_total = Counter(
            "trunkline_consolidation_pulls_total",
            "Pulls by their end.",
            ["site", "outcome"],
            registry=registry,
        )
        self.due_days = Gauge(
            "trunkline_consolidation_due_days",
            "Days that have ended and are not certified.",
            registry=registry,
        )
        self.certified_days = Gauge(
            "trunkline_consolidation_certified_days", "Days that are certified.", registry=registry
        )
        self.last_success_timestamp_seconds = Gauge(
            "trunkline_consolidation_last_success_timestamp_seconds",
            "When the site was last found complete.",
            ["site"],
            registry=registry,
        )
        self.frozen_sites = Gauge(
            "trunkline_consolidation_frozen_sites", "Sites that a person has to look at.", registry=registry
        )
