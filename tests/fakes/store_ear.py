"""Hears what a store's writer says, and can wait for it."""

import asyncio
from collections.abc import Callable

from branch.store.committer import Commit, Standing
from branch.store.health import StoreState


class StoreEar:
    """A StoreListener that remembers."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.commits: list[Commit] = []
        self.standings: list[Standing] = []
        self._news = asyncio.Event()

    @property
    def states(self) -> list[StoreState]:
        return [each.state for each in self.standings]

    def note_written(self, seq: int) -> None:
        self.written.append(seq)
        self._news.set()

    def note_commit(self, commit: Commit) -> None:
        self.commits.append(commit)
        self._news.set()

    def note_standing(self, standing: Standing) -> None:
        self.standings.append(standing)
        self._news.set()

    async def until(self, is_so: Callable[[], bool], limit_s: float = 20.0) -> None:
        """Return once it is so; looked at after each piece of news."""
        async with asyncio.timeout(limit_s):
            while not is_so():
                self._news.clear()
                await self._news.wait()
