"""When this site's load is worth telling the others: a dead band with a refresh."""

from router.ids import Instant
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.policy import OverflowPolicy

_DEAD_BAND = 0.05
_HEAD_WAIT_STEP_MS = 5_000
"""Readers add the time since they received a record, so only a jump of the head's wait matters."""


class Publication:
    """Remembers what was published last, and says when to publish again."""

    def __init__(self, policy: OverflowPolicy) -> None:
        self._policy = policy
        self._last: SiteLoad | None = None
        self._last_at: Instant | None = None

    def earliest(self, now: Instant) -> Instant:
        """When a change of now may be published."""
        if self._last_at is None:
            return now
        return Instant(max(now, self._last_at + self._policy.publish_interval_ms))

    def refresh_at(self, now: Instant) -> Instant:
        """When an unchanged record is written again, so that a wiped store fills itself."""
        return Instant(now + self._policy.refresh_interval_ms)

    def is_due(self, load: SiteLoad, now: Instant) -> bool:
        """Whether `load` differs from the last record by something that matters."""
        if self._last is None or self._last_at is None:
            return True
        elapsed_ms = now - self._last_at
        if elapsed_ms >= self._policy.refresh_interval_ms or load.accepting != self._last.accepting:
            return True
        if load.link_headroom != self._last.link_headroom and _lost_or_won_headroom(load, self._last):
            return True
        if load.queues.keys() != self._last.queues.keys():
            return True
        return any(_matters(queue, self._last.queues[q], elapsed_ms) for q, queue in load.queues.items())

    def note(self, load: SiteLoad, now: Instant) -> None:
        self._last, self._last_at = load, now


def _matters(new: QueueLoad, old: QueueLoad, elapsed_ms: int) -> bool:
    if (new.agents_idle == 0) != (old.agents_idle == 0):
        return True
    if (new.calls_waiting == 0) != (old.calls_waiting == 0):
        return True
    if new.calls_waiting and abs(new.head_wait_ms - old.head_wait_ms - elapsed_ms) > _HEAD_WAIT_STEP_MS:
        return True
    return (
        _moved(new.agents_idle, old.agents_idle)
        or _moved(new.calls_waiting, old.calls_waiting)
        or _moved(new.agents_staffed, old.agents_staffed)
        or _moved(new.aht_ms, old.aht_ms)
    )


def _moved(new: int, old: int) -> bool:
    return abs(new - old) > _DEAD_BAND * max(old, 1)


def _lost_or_won_headroom(new: SiteLoad, old: SiteLoad) -> bool:
    sites = new.link_headroom.keys() | old.link_headroom.keys()
    return any((new.link_headroom.get(s, 1) > 0) != (old.link_headroom.get(s, 1) > 0) for s in sites)
