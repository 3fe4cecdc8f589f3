"""A look at each peer in turn, beside the hand-offs: does TLS with it hold, what does its clock say?

The stream waits for a peer that is away, and is not told why it waits. A question that does
not wait is told.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from router.ids import SiteId
from sync.clock import Clock
from sync.clock_comparison import ClockComparison

LOOK_INTERVAL_S = 5.0
"""From one peer to the next: each of ten is looked at every minute, and five hundred ask no more often."""


class Looked(Protocol):
    """The part of a peer's line that is needed here."""

    site_id: SiteId

    async def look(self) -> int | None:
        """Ask the peer how it is, and note what is wrong with it.

        Returns its wall clock, in microseconds since 1970; None when it did not answer.
        """
        ...


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
