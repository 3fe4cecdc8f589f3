"""When rows that have come go to the disk: at once, unless more are likely to come.

In a crowd, where rows came lately while others were on their way to the disk, a commit keeps
its distance from the one before, and takes all that came meanwhile. The rows of one call come
one after the other, each because the last is written: a lone call never waits.
"""

from collections import deque

from router.ids import Instant

COMMIT_INTERVAL_MS = 10
"""Between two commits in a crowd: callers who ring hear nothing of it, and most calls then share one."""
CROWD_COUNT = 3
CROWD_WINDOW_MS = 100
"""A crowd: so many groups came within this while a commit was under way."""


class Gathering:
    """Of the rows that were not given to the disk yet; groups of rows come one after the other."""

    def __init__(self) -> None:
        self._given_at: Instant | None = None
        self._overlaps: deque[Instant] = deque(maxlen=CROWD_COUNT)

    def note_group(self, now: Instant, *, is_under_way: bool) -> None:
        """Rows have come; `is_under_way`: while the disk had not taken all that was given before."""
        if is_under_way:
            self._overlaps.append(now)

    def note_given(self, now: Instant) -> None:
        """All that has come went to the disk."""
        self._given_at = now

    def due_at(self, now: Instant) -> Instant:
        """When to give what has come; not after `now` is at once."""
        if self._given_at is None or not self._is_crowded(now):
            return now
        return Instant(self._given_at + COMMIT_INTERVAL_MS)

    def _is_crowded(self, now: Instant) -> bool:
        return len(self._overlaps) == CROWD_COUNT and now - self._overlaps[0] <= CROWD_WINDOW_MS
