"""A look at each peer in turn, beside the hand-offs: does TLS with it hold, what does its clock say?

The stream waits for a peer that is away, and is not told why it waits. A question that does
not wait is told.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Gauge

from router.ids import SiteId
from sync.clock import Clock

LOOK_INTERVAL_S = 5.0
"""From one peer to the next: each of ten is looked at every minute, and five hundred ask no more often."""

CLOCK_LIMIT_MS = 5_000
"""Time synchronisation keeps machines within milliseconds: more than this is none at all."""

log = structlog.get_logger()


class Looked(Protocol):
    """The part of a peer's line that is needed here."""

    site_id: SiteId

    async def look(self) -> int | None:
        """Ask the peer how it is, and note what is wrong with it.

        Returns its wall clock, in microseconds since 1970; None when it did not answer.
        """
        ...


class ClockComparison:
    """How far each peer's wall clock is from ours; told when it is too far, and shown always."""

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
        """The peer's clock showed `theirs_us` at some moment between our asking and its answer."""
        ahead_us = theirs_us - min(max(theirs_us, asked_us), answered_us)
        self._gauge.labels(site_id).set(ahead_us / 1_000_000)
        if abs(ahead_us) <= self._limit_us:
            self._differing.discard(site_id)
        elif site_id not in self._differing:
            self._differing.add(site_id)
            log.warning("clock_differs", peer=site_id, ahead_ms=ahead_us // 1_000)


async def look_in_turn(
    lines: Callable[[], Collection[Looked]],
    clock: Clock,
    comparison: ClockComparison,
    interval_s: float = LOOK_INTERVAL_S,
) -> None:
    """Look at one peer after the other until cancelled; `lines` are those of the moment."""
    while True:
        for line in lines():
            asked_us = clock.utc_us()
            theirs_us = await line.look()
            if theirs_us is not None:
                comparison.note(line.site_id, theirs_us, asked_us=asked_us, answered_us=clock.utc_us())
            await asyncio.sleep(interval_s)
        await asyncio.sleep(interval_s)
