"""A look at each peer in turn, beside the hand-offs: does TLS with it hold?

The stream waits for a peer that is away, and is not told why it waits. A question that does
not wait is told.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

LOOK_INTERVAL_S = 5.0
"""From one peer to the next: each of ten is looked at every minute, and five hundred ask no more often."""


class Looked(Protocol):
    """The part of a peer's line that is needed here."""

    async def look(self) -> None:
        """Ask the peer how it is, and note what is wrong with it."""
        ...


async def look_in_turn(lines: Callable[[], Collection[Looked]], interval_s: float = LOOK_INTERVAL_S) -> None:
    """Look at one peer after the other until cancelled; `lines` are those of the moment."""
    while True:
        for line in lines():
            await line.look()
            await asyncio.sleep(interval_s)
        await asyncio.sleep(interval_s)
