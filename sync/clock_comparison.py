"""Whose wall clock is elsewhere: a site whose clock is wrong books its calls on a day that is not.

Two clocks are compared by a question and its answer; no deadline depends on what comes out.
"""

import structlog
from prometheus_client import CollectorRegistry, Gauge

from router.ids import SiteId

CLOCK_LIMIT_MS = 5_000
"""Time synchronisation keeps machines within milliseconds: more than this is none at all."""

log = structlog.get_logger()


class ClockComparison:
    """How far each site's wall clock is from ours; told when it is too far, and shown always."""

    def __init__(self, registry: CollectorRegistry, *, speed: float) -> None:
        """`speed` is that of the clocks: the lab's run faster."""
        self._limit_us = round(CLOCK_LIMIT_MS * 1_000 * speed)
        self._differing: set[SiteId] = set()
        self._gauge = Gauge(
            "trunkline_peer_clock_difference_seconds",
            "How far another site's wall clock is ahead of ours; negative: behind.",
            ["site"],
            registry=registry,
        )

    def note(self, site_id: SiteId, theirs_us: int, *, asked_us: int, answered_us: int) -> None:
        """The site's clock showed `theirs_us` at some moment between our asking and its answer."""
        ahead_us = theirs_us - min(max(theirs_us, asked_us), answered_us)
        self._gauge.labels(site_id).set(ahead_us / 1_000_000)
        if abs(ahead_us) <= self._limit_us:
            self._differing.discard(site_id)
        elif site_id not in self._differing:
            self._differing.add(site_id)
            log.warning("clock_differs", peer=site_id, ahead_ms=ahead_us // 1_000)
