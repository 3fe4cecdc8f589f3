"""Whose password is looked at next: one at a time from each address, so a crowd at one keeps nobody out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from branch.people.refusals import LoginLimitedError

CONCURRENT_LIMIT = 2
"""Each password costs 64 MiB and a core for tens of milliseconds; calls come first."""
WAITING_LIMIT = 256
ADDRESS_LIMIT = 32
"""A whole office may stand behind one address, and log in when its shift begins."""


@dataclass(slots=True)
class _Row:
    """Those who wait at one address; the first of them waits among all addresses."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Turns:
    """Turns at what is costly, shared out by address."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(CONCURRENT_LIMIT)
        self._rows: dict[str, _Row] = {}
        self._waiting_count = 0

    @asynccontextmanager
    async def turn(self, address: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it while entered.

        Raises:
            LoginLimitedError: too many wait, at this address or at all.
        """
        with_me = self._rows.get(address) or _Row()
        if self._waiting_count >= WAITING_LIMIT or with_me.count >= ADDRESS_LIMIT:
            raise LoginLimitedError(1)
        self._rows[address] = with_me
        with_me.count += 1
        self._waiting_count += 1
        try:
            async with with_me.turn, self._turns:
                yield
        finally:
            self._waiting_count -= 1
            with_me.count -= 1
            if not with_me.count:
                del self._rows[address]
