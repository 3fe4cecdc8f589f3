"""What this site sees of the others by the digest: the keys of one turn, and what they change. No I/O.

A turn's keys arrive together, the beat last. Only sites whose record has another version
than before are told, so a reader's work grows with what changes, not with how many they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from router.ids import Instant, QueueId, SiteId
from router.overflow.load import QueueLoad, SiteLoad
from sync.loadboard.digest import (
    BadDigestError,
    Beat,
    Directory,
    DirectoryEntry,
    QueueColumns,
    decode_beat,
    decode_directory,
)
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import (
    BeatHeard,
    DigestRefused,
    OwnShown,
    Sight,
    SiteLeft,
    SiteSeen,
    WriterSeen,
)
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent

WRITER_KEY = b"writer"
SITES_KEY = b"sites"
BEAT_KEY = b"beat"
QUEUE_KEY = b"queue/"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    load: SiteLoad
    address: str | None
    is_named: bool
    """Whether a queue digest named it; else it was told as having nobody idle and nobody waiting."""


class DigestView:
    """The digest as last read, and what was told of it."""

    def __init__(
        self, *, prefix: bytes, own_site_id: SiteId, reign: Reign, known: Mapping[SiteId, SiteLoad]
    ) -> None:
        """`known`: the sites told so far by another view, which this one takes over, with its reign."""
        self._prefix = prefix
        self._own_site_id = own_site_id
        self._reign = reign
        self._told = {
            site_id: _Told(load=load, address=None, is_named=True) for site_id, load in known.items()
        }
        self._directory: Directory | None = None
        self._queues: dict[QueueId, QueueColumns] = {}
        self._is_refused = False

    @property
    def known(self) -> dict[SiteId, SiteLoad]:
        """Every site that was told and not taken back."""
        return {site_id: told.load for site_id, told in self._told.items()}

    def answered(self, header: Header, now: Instant, confirmed_at: Instant | None) -> Iterator[Sight]:
        """Nothing: who lives is judged by the writer, who reads the records themselves.

        But an election is remembered, for whoever reads the records next.
        """
        self._reign.heard(header.term, now, confirmed_at)
        yield from ()

    def listed(self, reply: RangeReply) -> Iterator[Sight]:
        """Take a list of all keys: the digest begins anew, and nothing of it is told before the next beat.

        A beat that is found may be of any age, and so may be what it completed.
        """
        self._directory = None
        self._queues.clear()
        if all(self._name(kv) != WRITER_KEY for kv in reply.kvs):
            yield WriterSeen(revision=None)
        for kv in reply.kvs:
            if self._name(kv) != BEAT_KEY:
                yield from self._take(kv)

    def changed(self, event: WatchEvent) -> Iterator[Sight]:
        """Take one event."""
        if not event.is_removal:
            yield from self._take(event.kv)
        elif self._name(event.kv) == WRITER_KEY:
            yield WriterSeen(revision=None)

    # --- inside ------------------------------------------------------------------------

    def _name(self, kv: KeyValue) -> bytes:
        return kv.key[len(self._prefix) :]

    def _take(self, kv: KeyValue) -> Iterator[Sight]:
        name = self._name(kv)
        try:
            if name == WRITER_KEY:
                yield WriterSeen(revision=kv.mod_revision)
            elif name == SITES_KEY:
                self._directory = decode_directory(kv.value)
            elif name.startswith(QUEUE_KEY):
                queue_id = QueueId(name[len(QUEUE_KEY) :].decode(errors="replace"))
                self._queues[queue_id] = QueueColumns(queue_id, kv.value)
            elif name == BEAT_KEY:
                yield from self._complete(decode_beat(kv.value), kv.mod_revision)
        except BadDigestError as fault:
            if not self._is_refused:
                yield DigestRefused(fault=fault)
            self._is_refused = True

    def _complete(self, beat: Beat, revision: int) -> Iterator[Sight]:
        """A turn's keys are all here: tell what they change, then that the view is current."""
        if self._directory is None:
            return
        changes = list(self._changes(self._directory, revision))
        self._is_refused = False
        yield from changes
        yield BeatHeard(view_age_ms=beat.view_age_ms, site_count=beat.site_count)

    def _changes(self, directory: Directory, revision: int) -> Iterator[Sight]:
        queues = {q: each for q, each in self._queues.items() if each.edition == directory.edition}
        versions: dict[int, int] = {}
        for columns in queues.values():
            versions.update(columns.versions)
        if versions and max(versions) >= len(directory.entries):
            raise BadDigestError("queue", "names a place that the directory does not have")
        here = {entry.site_id for entry in directory.entries}
        for site_id in [site_id for site_id in self._told if site_id not in here]:
            del self._told[site_id]
            yield SiteLeft(site_id=site_id)
        own: tuple[int, int] | None = None
        for place, entry in enumerate(directory.entries):
            version = versions.get(place)
            if entry.site_id == self._own_site_id:
                own = None if version is None else (entry.incarnation, version)
                continue
            told = self._told.get(entry.site_id)
            if told is None and version is None:
                continue  # nobody idle and nobody waiting, and nothing to take back
            if told is None or not _is_told(told, entry, version):
                yield from self._tell(entry, told, version, place, queues)
        yield OwnShown(order=own, revision=revision)

    def _tell(
        self,
        entry: DirectoryEntry,
        told: _Told | None,
        version: int | None,
        place: int,
        queues: Mapping[QueueId, QueueColumns],
    ) -> Iterator[Sight]:
        before = told.load if told is not None and told.load.incarnation == entry.incarnation else None
        named = {q: queue for q, columns in queues.items() if (queue := columns.load(place)) is not None}
        load = SiteLoad(
            site_id=entry.site_id,
            incarnation=entry.incarnation,
            version=version or (before.version if before is not None else 0),
            accepting=True,
            queues={**_emptied(before), **named},
            link_headroom={},
        )
        self._told[entry.site_id] = _Told(load=load, address=entry.address, is_named=version is not None)
        yield SiteSeen(load=load, address=entry.address)


def _is_told(told: _Told, entry: DirectoryEntry, version: int | None) -> bool:
    if told.address != entry.address or told.is_named != (version is not None):
        return False
    return told.load.incarnation == entry.incarnation and version in (None, told.load.version)


def _emptied(load: SiteLoad | None) -> dict[QueueId, QueueLoad]:
    """The queue classes that the site had, with nobody idle and nobody waiting."""
    if load is None:
        return {}
    return {
        queue_id: replace(queue, agents_idle=0, calls_waiting=0, head_wait_ms=0)
        for queue_id, queue in load.queues.items()
    }
