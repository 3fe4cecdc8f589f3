"""The site as a stream: snapshots by turns, the changes between them, and positions to resume from.

One task takes snapshots for all watchers, and only while somebody watches. A watcher who
is slower than the changes, or comes back after too long, is given the whole state again.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import Message


class Kind(Enum):
    """What an item is about."""

    QUEUE = "queue"
    AGENT = "agent"
    CALL = "call"
    HANDOFF = "handoff"


Key = tuple[Kind, str]
Items = Mapping[Key, Message]
"""A snapshot: every queue, agent, call and hand-off of the site, by its id."""
Scope = Callable[[Kind, Message], bool]
"""Whether a watcher may see an item as it is."""

REFRESH_INTERVAL_S = 0.05
"""Between two snapshots: a ring shows up on the desk before the first one is over."""
BUSY_SHARE_LIMIT = 0.1
"""Snapshots of a large site take at most this share of the loop's time."""
HEARTBEAT_S = 1.0
HISTORY_LIMIT = 2_000
"""Changes kept for those who resume."""


@dataclass(frozen=True, slots=True)
class Change:
    """One item before and after; None: it was not there, or is not any more."""

    number: int
    key: Key
    before: Message | None
    after: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a watcher is told in one go."""

    number: int
    """The watcher's position afterwards."""
    is_whole: bool
    items: tuple[tuple[Kind, Message], ...] = ()
    gone: tuple[Key, ...] = ()


class SiteWatch:
    """All who watch one site."""

    def __init__(self, *, snapshot: Callable[[], Items], version: Callable[[], int]) -> None:
        """`version` is cheap to ask for and changes whenever `snapshot` may."""
        self._snapshot = snapshot
        self._version = version
        self._seen_version: int | None = None
        self._items: Items = {}
        self._number = 0
        self._history: deque[Change] = deque(maxlen=HISTORY_LIMIT)
        self._watcher_count = 0
        self._is_watched = asyncio.Event()
        self._published = asyncio.Event()

    async def run(self) -> None:
        """Take snapshots while somebody watches; runs as long as the branch."""
        loop = asyncio.get_running_loop()
        while True:
            await self._is_watched.wait()
            began = loop.time()
            self.refresh()
            cost_s = loop.time() - began
            await asyncio.sleep(max(REFRESH_INTERVAL_S, cost_s / BUSY_SHARE_LIMIT))

    def refresh(self) -> None:
        """Publish what changed since the last time."""
        version = self._version()
        if version == self._seen_version:
            return
        self._seen_version = version
        before, self._items = self._items, self._snapshot()
        for key in before.keys() | self._items.keys():
            was, is_now = before.get(key), self._items.get(key)
            if was != is_now:
                self._number += 1
                self._history.append(Change(self._number, key, was, is_now))
        published, self._published = self._published, asyncio.Event()
        published.set()

    async def steps(self, after: int | None, scope: Scope) -> AsyncGenerator[Step, None]:
        """What a watcher sees: all, or what changed `after` a position; then each change.

        A step without content comes each second: the watcher is alive, and so is the site.
        Close it when done (`contextlib.aclosing`), or it counts as watching.
        """
        self._enter()
        try:
            step = self._first(after, scope)
            while True:
                yield step
                await self._changed_since(step.number)
                step = self._since(step.number, scope)
        finally:
            self._leave()

    def _enter(self) -> None:
        self._watcher_count += 1
        self._is_watched.set()
        self.refresh()

    def _leave(self) -> None:
        self._watcher_count -= 1
        if not self._watcher_count:
            self._is_watched.clear()

    async def _changed_since(self, number: int) -> None:
        if number != self._number:
            return
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await self._published.wait()
        except TimeoutError:
            return

    def _first(self, after: int | None, scope: Scope) -> Step:
        return self._whole(scope) if after is None else self._since(after, scope)

    def _whole(self, scope: Scope) -> Step:
        items = tuple((key[0], item) for key, item in self._items.items() if scope(key[0], item))
        return Step(number=self._number, is_whole=True, items=items)

    def _since(self, after: int, scope: Scope) -> Step:
        oldest = self._history[0].number if self._history else self._number + 1
        if not oldest - 1 <= after <= self._number:
            return self._whole(scope)
        items: dict[Key, Message] = {}
        gone: dict[Key, None] = {}
        for change in self._newer_than(after):
            kind = change.key[0]
            if change.after is not None and scope(kind, change.after):
                items[change.key] = change.after
                gone.pop(change.key, None)
            elif change.before is not None and scope(kind, change.before):
                gone[change.key] = None
                items.pop(change.key, None)
        shown = tuple((key[0], item) for key, item in items.items())
        return Step(number=self._number, is_whole=False, items=shown, gone=tuple(gone))

    def _newer_than(self, after: int) -> list[Change]:
        # The newest are at the end, and a watcher is seldom far behind.
        newer: list[Change] = []
        for change in reversed(self._history):
            if change.number <= after:
                break
            newer.append(change)
        newer.reverse()
        return newer
