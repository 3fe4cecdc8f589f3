"""Waiting for something to become true, without looking again and again."""

import asyncio
from collections.abc import Callable

WAIT_LIMIT_S = 40.0
"""Nothing takes nearly as long, on a machine that others use too; it ends what hangs."""


class Changes:
    """Whoever changes something says so; whoever waits looks at it then."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        """Something has changed."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, holds: Callable[[], bool], limit_s: float | None = WAIT_LIMIT_S) -> None:
        """Return once `holds` is true; None waits for as long as it takes.

        Raises:
            TimeoutError: it was not, within `limit_s`.
        """
        async with asyncio.timeout(limit_s):
            while not holds():
                await self._changed.wait()
