"""What the link counts: requests by method and code, refusals by reason, unary calls by duration."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_DURATION_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""0.5 s is the deadline of a hand-off's calls, so it must be an edge."""


class LinkInstruments:
    """Counters of one node's serving side."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests_total = Counter(
            "trunkline_link_requests_total",
            "Calls served, by gRPC status.",
            ["method", "code"],
            registry=registry,
        )
        self.refused_total = Counter(
            "trunkline_link_refused_total",
            "Calls refused, by RouterError.reason.",
            ["reason"],
            registry=registry,
        )
        self.request_duration_seconds = Histogram(
            "trunkline_link_request_duration_seconds",
            "Unary calls from arrival to answer.",
            ["method"],
            buckets=_DURATION_BUCKETS_S,
            registry=registry,
        )
        self.certificate_not_after = Gauge(
            "trunkline_link_certificate_not_after_timestamp_seconds",
            "When this node's certificate ends; absent without TLS.",
            ["owner"],
            registry=registry,
        )
