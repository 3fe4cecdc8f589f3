"""Every site's record as the aggregator sees it, turned into the digest's keys. Pure; `now` is given."""

from collections.abc import Iterator

from router.ids import Instant, QueueId, SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.digest import (
    Beat,
    Directory,
    DirectoryEntry,
    encode_beat,
    encode_directory,
    encode_queue,
)
from sync.loadboard.etcd.digest_view import BEAT_KEY, QUEUE_KEY, SITES_KEY

EDITION_INTERVAL_MS = 5_000
"""Between two directories at least. A site that came or restarted is not named until the next."""

_EDITIONS_PER_SEAT = 1_000_000


class Aggregate:
    """The records, and what of them is to be written with each turn."""

    def __init__(self, seat_revision: int) -> None:
        """The seat's revision makes the editions of one writer differ from another's."""
        self._loads: dict[SiteId, tuple[SiteLoad, str | None, Instant]] = {}
        self._edition = seat_revision * _EDITIONS_PER_SEAT
        self._entries: tuple[DirectoryEntry, ...] = ()
        self._written_at: Instant | None = None
        self._queues: set[QueueId] = set()

    def see(self, load: SiteLoad, address: str | None, now: Instant) -> None:
        self._loads[load.site_id] = (load, address, now)

    def lose(self, site_id: SiteId) -> None:
        self._loads.pop(site_id, None)

    def keys(self, view_age_ms: int, now: Instant) -> Iterator[tuple[bytes, bytes]]:
        """One turn: the directory if it changed, each queue class, then the beat."""
        if self._is_edition_due(now):
            self._edition += 1
            self._entries = self._directory()
            self._written_at = now
            directory = Directory(edition=self._edition, entries=self._entries)
            yield SITES_KEY, encode_directory(directory)
        rows: dict[QueueId, list[tuple[int, SiteLoad, int]]] = {queue_id: [] for queue_id in self._queues}
        for place, entry in enumerate(self._entries):
            load, _, seen_at = self._loads.get(entry.site_id, (None, None, now))
            if load is None or load.incarnation != entry.incarnation or not load.accepting:
                continue
            for queue_id, queue in load.queues.items():
                if queue.agents_idle or queue.calls_waiting:
                    rows.setdefault(queue_id, []).append((place, load, now - seen_at))
        self._queues = set(rows)
        for queue_id, named in rows.items():
            yield QUEUE_KEY + queue_id.encode(), encode_queue(self._edition, queue_id, named)
        yield BEAT_KEY, encode_beat(Beat(view_age_ms=view_age_ms, site_count=len(self._loads)))

    def _is_edition_due(self, now: Instant) -> bool:
        if self._written_at is None:
            return True
        return now - self._written_at >= EDITION_INTERVAL_MS and self._directory() != self._entries

    def _directory(self) -> tuple[DirectoryEntry, ...]:
        """Known sites keep their order, so that a new one moves nobody."""
        return tuple(
            DirectoryEntry(site_id=site_id, incarnation=load.incarnation, address=address)
            for site_id, (load, address, _) in self._loads.items()
        )
