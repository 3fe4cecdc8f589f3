"""Every site's record as the aggregator sees it, turned into the digest's keys. Pure; `now` is given."""

from collections.abc import Iterator
from dataclasses import dataclass

from router.ids import Instant, QueueId, SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.digest import (
    Beat,
    Directory,
    DirectoryEntry,
    encode_beat,
    encode_directory,
    encode_queue,
    is_worth_naming,
)
from sync.loadboard.etcd.digest_view import BEAT_KEY, QUEUE_KEY, SITES_KEY

EDITION_INTERVAL_MS = 5_000
"""Between two directories at least, unless sites are missing in the last one. A site that was restarted is
not named until the next."""

PLACE_KEPT_MS = 10_000
"""A site whose record went stays in the directory for so long, named by no queue: one that comes back is
named with the next turn, and not with the next directory."""

_EDITIONS_PER_SEAT = 1_000_000


@dataclass(slots=True)
class _Site:
    """A site's record, and since when it has none any more."""

    load: SiteLoad
    address: str | None
    seen_at: Instant
    gone_at: Instant | None = None


class Aggregate:
    """The records, and what of them is to be written with each turn."""

    def __init__(self, seat_revision: int) -> None:
        """The seat's revision makes the editions of one writer differ from another's."""
        self._sites: dict[SiteId, _Site] = {}
        self._edition = seat_revision * _EDITIONS_PER_SEAT
        self._entries: tuple[DirectoryEntry, ...] = ()
        self._written_at: Instant | None = None
        self._queues: set[QueueId] = set()

    def see(self, load: SiteLoad, address: str | None, now: Instant) -> None:
        site = self._sites.setdefault(load.site_id, _Site(load=load, address=address, seen_at=now))
        site.load, site.address, site.seen_at, site.gone_at = load, address, now, None

    def lose(self, site_id: SiteId, now: Instant) -> None:
        """It keeps its place for a while: after an election every site is lost until it puts again."""
        if site_id in self._sites:
            self._sites[site_id].gone_at = now

    def doubt(self) -> None:
        """The last turn may not have been written: the next one builds on nothing of it."""
        self._written_at = None

    def keys(self, record_count: int, view_age_ms: int, now: Instant) -> Iterator[tuple[bytes, bytes]]:
        """One turn: the directory if it changed, each queue class, then the beat.

        `record_count`: of all records that are there, those included that nobody believes until they are
        put again under a new leader. Readers go by it whether they are many.
        """
        self._forget_gone(now)
        if self._is_edition_due(record_count, now):
            self._edition += 1
            self._entries = self._directory()
            self._written_at = now
            directory = Directory(edition=self._edition, entries=self._entries)
            yield SITES_KEY, encode_directory(directory)
        rows: dict[QueueId, list[tuple[int, SiteLoad, int]]] = {queue_id: [] for queue_id in self._queues}
        for place, entry in enumerate(self._entries):
            site = self._sites.get(entry.site_id)
            if site is None or site.gone_at is not None:
                continue
            load = site.load
            if load.incarnation != entry.incarnation or not load.accepting:
                continue
            for queue_id, queue in load.queues.items():
                if is_worth_naming(queue):
                    rows.setdefault(queue_id, []).append((place, load, now - site.seen_at))
        self._queues = set(rows)
        for queue_id, named in rows.items():
            yield QUEUE_KEY + queue_id.encode(), encode_queue(self._edition, queue_id, named)
        yield BEAT_KEY, encode_beat(Beat(view_age_ms=view_age_ms, site_count=record_count))

    def _forget_gone(self, now: Instant) -> None:
        for site_id, site in list(self._sites.items()):
            if site.gone_at is not None and now - site.gone_at >= PLACE_KEPT_MS:
                del self._sites[site_id]

    def _is_edition_due(self, record_count: int, now: Instant) -> bool:
        """A directory that lacks sites is made up for at once: after an election a new writer has none."""
        if self._written_at is None:
            return True
        is_lacking = record_count > len(self._entries)
        is_time = now - self._written_at >= EDITION_INTERVAL_MS
        return (is_lacking or is_time) and self._directory() != self._entries

    def _directory(self) -> tuple[DirectoryEntry, ...]:
        """Known sites keep their order, so that a new one moves nobody."""
        return tuple(
            DirectoryEntry(site_id=site_id, incarnation=site.load.incarnation, address=site.address)
            for site_id, site in self._sites.items()
        )
