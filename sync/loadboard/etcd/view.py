"""What this site sees of the others: etcd's keys turned into what the listener hears. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass

from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import BadLoadRecordError, decode_record
from sync.loadboard.etcd.wire import KeyValue, RangeReply, WatchEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSeen:
    """Another site's record is new or changed."""

    load: SiteLoad
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLeft:
    """Another site's record is gone, or became unreadable, which tells as little."""

    site_id: SiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefused:
    """A site's record cannot be used; told once until a usable one comes."""

    fault: BadLoadRecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKeySeen:
    """This site's own key as the store has it; without payload it is not there.

    `revision` is the change's own; None: it was found by a list.
    """

    payload: bytes | None
    revision: int | None


Sight = SiteSeen | SiteLeft | RecordRefused | OwnKeySeen


class BoardView:
    """The records of the other sites as last seen, and the difference that each reply makes."""

    def __init__(self, *, prefix: bytes, own_site_id: SiteId) -> None:
        self._prefix = prefix
        self._own_site_id = own_site_id
        self._records: dict[SiteId, bytes] = {}
        self._unreadable: set[SiteId] = set()

    def listed(self, reply: RangeReply) -> Iterator[Sight]:
        """Take a list of all records."""
        found = {self._site_of(kv): kv for kv in reply.kvs}
        own = found.pop(self._own_site_id, None)
        yield OwnKeySeen(payload=own.value if own else None, revision=None)
        for site_id in [site_id for site_id in self._records if site_id not in found]:
            yield from self._left(site_id)
        for site_id, kv in found.items():
            yield from self._changed(site_id, kv.value)

    def changed(self, event: WatchEvent) -> Iterator[Sight]:
        """Take one event."""
        site_id = self._site_of(event.kv)
        if site_id == self._own_site_id:
            payload = None if event.is_removal else event.kv.value
            yield OwnKeySeen(payload=payload, revision=event.kv.mod_revision)
        elif event.is_removal:
            yield from self._left(site_id)
        else:
            yield from self._changed(site_id, event.kv.value)

    def _site_of(self, kv: KeyValue) -> SiteId:
        # A key that is no text names no site that anybody asks; it must not end the watch.
        return SiteId(kv.key[len(self._prefix) :].decode(errors="replace"))

    def _left(self, site_id: SiteId) -> Iterator[Sight]:
        self._unreadable.discard(site_id)
        if self._records.pop(site_id, None) is not None:
            yield SiteLeft(site_id=site_id)

    def _changed(self, site_id: SiteId, payload: bytes) -> Iterator[Sight]:
        """A record that is put again as it was is no news."""
        if self._records.get(site_id) == payload:
            return
        was_unreadable = site_id in self._unreadable
        try:
            load, address = decode_record(site_id, payload)
        except BadLoadRecordError as fault:
            yield from self._left(site_id)
            self._unreadable.add(site_id)
            if not was_unreadable:
                yield RecordRefused(fault=fault)
            return
        self._unreadable.discard(site_id)
        self._records[site_id] = payload
        yield SiteSeen(load=load, address=address)
