"""When rows that have gathered go to the disk: at once where somebody waits, unless more are likely to come.

A row that nobody waits for lingers, to share the next commit. Rows that somebody waits for
linger only in a crowd: when rows came lately while others were on their way to the disk, a
commit keeps its distance from the one before. So a lone call, whose next row comes only
after its last one is written, never waits.
"""

from collections import deque

from router.ids import Instant

LINGER_LIMIT_MS = 50
"""A row that nobody waits for: a crash loses what is younger. An agent's desk shows nothing sooner."""
COMMIT_INTERVAL_MS = 10
"""Between two commits in a crowd: callers who ring hear nothing of it, and most calls then share one."""
CROWD_COUNT = 3
CROWD_WINDOW_MS = 100
"""A crowd: so many groups came within this while a commit was under way."""


class Gathering:
    """Of the rows that were not given to the disk yet; groups of rows come one after the other."""

    def __init__(self) -> None:
        self._oldest_at: Instant | None = None
        self._is_awaited = False
        self._given_at: Instant | None = None
        self._overlaps: deque[Instant] = deque(maxlen=CROWD_COUNT)

    def note_group(self, now: Instant, *, is_under_way: bool) -> None:
        """Rows have come; `is_under_way`: while the disk had not taken all that was given before."""
        if self._oldest_at is None:
            self._oldest_at = now
        if is_under_way:
            self._overlaps.append(now)

    def note_awaited(self) -> None:
        """Somebody waits for the last row that has come."""
        self._is_awaited = self._oldest_at is not None

    def note_given(self, now: Instant) -> None:
        """All that has come went to the disk."""
        self._oldest_at, self._is_awaited, self._given_at = None, False, now

    def due_at(self, now: Instant) -> Instant | None:
        """When to give what has gathered; not after `now` is at once, None is never."""
        if self._oldest_at is None:
            return None
        if not self._is_awaited:
            return Instant(self._oldest_at + LINGER_LIMIT_MS)
        if self._given_at is None or not self._is_crowded(now):
            return now
        return Instant(self._given_at + COMMIT_INTERVAL_MS)

    def _is_crowded(self, now: Instant) -> bool:
        return len(self._overlaps) == CROWD_COUNT and now - self._overlaps[0] <= CROWD_WINDOW_MS
