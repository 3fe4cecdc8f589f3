"""What this site sees of the others: etcd's keys turned into what the listener hears. No I/O."""

from collections.abc import Iterator, Mapping

from router.ids import SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import BadLoadRecordError, decode_record
from sync.loadboard.etcd.sights import OwnKeySeen, RecordRefused, Sight, SiteLeft, SiteSeen
from sync.loadboard.etcd.wire import KeyValue, RangeReply, WatchEvent


class BoardView:
    """The records of the other sites as last seen, and the difference that each reply makes."""

    def __init__(
        self, *, prefix: bytes, own_site_id: SiteId | None, known: Mapping[SiteId, SiteLoad] | None = None
    ) -> None:
        """`own_site_id` None: nobody's own, every record is told. `known`: told so far by another view."""
        self._prefix = prefix
        self._own_site_id = own_site_id
        self._loads: dict[SiteId, SiteLoad] = dict(known or {})
        # No record is of no bytes, so whatever is found of them differs.
        self._records: dict[SiteId, bytes] = dict.fromkeys(self._loads, b"")
        self._unreadable: set[SiteId] = set()

    @property
    def known(self) -> dict[SiteId, SiteLoad]:
        """Every site that was told and not taken back."""
        return self._loads

    def listed(self, reply: RangeReply) -> Iterator[Sight]:
        """Take a list of all records."""
        found = {self._site_of(kv): kv for kv in reply.kvs}
        if self._own_site_id is not None:
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
        self._loads.pop(site_id, None)
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
        self._loads[site_id] = load
        yield SiteSeen(load=load, address=address)
