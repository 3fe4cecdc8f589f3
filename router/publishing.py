"""This site's load, as the others see it, and when they are told."""

from router.acd.queues import Queue
from router.ids import Instant
from router.orders import PublishLoad
from router.overflow.load import QueueLoad, SiteLoad
from router.overflow.publication import Publication
from router.parts import Parts
from router.turn import Turn

PUBLISH_TIMER = "publish"
_KEY = (PUBLISH_TIMER, "")


class Publishing:
    def __init__(self, parts: Parts, incarnation: int) -> None:
        self._parts = parts
        self._incarnation = incarnation
        self._publication = Publication(parts.overflow)
        self._version = 0
        self._is_prompt = False

    def load(self, now: Instant) -> SiteLoad:
        return self._load(now, self._version)

    def _load(self, now: Instant, version: int) -> SiteLoad:
        may_lend = self._parts.own_loss.allows_one_more()
        return SiteLoad(
            site_id=self._parts.site_id,
            incarnation=self._incarnation,
            version=version,
            accepting=self._parts.may_help,
            queues={
                queue.policy.queue_id: self._queue_load(queue, now, may_lend=may_lend)
                for queue in self._parts.queues
            },
            link_headroom=self._parts.links.all_headroom(),
        )

    def note_change(self, turn: Turn) -> None:
        """Something happened: look, as soon as the interval allows, whether it matters."""
        if not self._is_prompt:
            self._is_prompt = True
            self._parts.timers.set(_KEY, self._publication.earliest(turn.now))

    def publish(self, turn: Turn) -> None:
        """The timer's turn: publish what matters, then sleep until a change or the refresh."""
        self._is_prompt = False
        load = self._load(turn.now, self._version + 1)
        if self._publication.is_due(load, turn.now):
            self._version += 1
            self._publication.note(load, turn.now)
            turn.order(PublishLoad(load=load))
        self._parts.timers.set(_KEY, self._publication.refresh_at(turn.now))

    def _queue_load(self, queue: Queue, now: Instant, *, may_lend: bool) -> QueueLoad:
        policy, waiting, roster = queue.policy, self._parts.calls.waiting, self._parts.roster
        head_queued_at = waiting.head_queued_at(policy.queue_id)
        idle_count = roster.idle.count(policy.skills) - self._parts.overflow.home_reserve if may_lend else 0
        return QueueLoad(
            agents_staffed=roster.staffed_count(policy.skills),
            agents_idle=max(0, idle_count),
            calls_waiting=waiting.free_count(policy.queue_id) if policy.is_overflow_allowed else 0,
            head_wait_ms=now - head_queued_at if head_queued_at is not None else 0,
            aht_ms=queue.history.aht_ms(now),
            abandon_rate_per_hour=queue.history.abandon_rate_per_hour(now),
        )
