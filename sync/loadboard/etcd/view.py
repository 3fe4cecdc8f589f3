"""What this site sees of the others: etcd's keys turned into what the listener hears. No I/O."""

from collections.abc import Iterator, Mapping

from router.ids import Instant, SiteId
from router.overflow.load import SiteLoad
from sync.loadboard.codec import BadLoadRecordError, LoadRecord, decode_record
from sync.loadboard.etcd.proofs import Proofs
from sync.loadboard.etcd.reign import Reign
from sync.loadboard.etcd.sights import OwnKeySeen, RecordRefused, Sight, SiteLeft, SiteSeen
from sync.loadboard.etcd.wire import Header, KeyValue, RangeReply, WatchEvent


class BoardView:
    """The records of the other sites as last seen, and the difference that each reply makes."""

    def __init__(
        self,
        *,
        prefix: bytes,
        own_site_id: SiteId | None,
        reign: Reign,
        known: Mapping[SiteId, SiteLoad] | None = None,
    ) -> None:
        """`own_site_id` None: nobody's own, every record is told.

        `known`: the sites told so far by another view, which this one takes over, with the reign it heard of.
        """
        self._prefix = prefix
        self._own_site_id = own_site_id
        self._loads: dict[SiteId, SiteLoad] = dict(known or {})
        self._told: dict[SiteId, LoadRecord] = {}
        """The records behind `_loads`; another view's are told again as they are found."""
        self._unreadable: set[SiteId] = set()
        self._proofs = Proofs(reign)

    @property
    def known(self) -> dict[SiteId, SiteLoad]:
        """Every site that was told and not taken back."""
        return self._loads

    def answered(self, header: Header, now: Instant, confirmed_at: Instant | None) -> Iterator[Sight]:
        """Take an answer's header: sites may turn out to be dead though their keys are still there."""
        self._proofs.heard(header.term, now, confirmed_at)
        for site_id in self._proofs.lacking():
            yield from self._taken_back(site_id)

    def listed(self, reply: RangeReply) -> Iterator[Sight]:
        """Take a list of all records."""
        found = {self._site_of(kv): kv for kv in reply.kvs}
        if self._own_site_id is not None:
            own = found.pop(self._own_site_id, None)
            yield OwnKeySeen(payload=own.value if own else None, revision=None)
        for site_id in [site_id for site_id in (*self._loads, *self._proofs.sites) if site_id not in found]:
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
        self._proofs.gone(site_id)
        yield from self._taken_back(site_id)

    def _taken_back(self, site_id: SiteId) -> Iterator[Sight]:
        self._told.pop(site_id, None)
        if self._loads.pop(site_id, None) is not None:
            yield SiteLeft(site_id=site_id)

    def _changed(self, site_id: SiteId, payload: bytes) -> Iterator[Sight]:
        """A record that is put again as it was is no news."""
        was_unreadable = site_id in self._unreadable
        try:
            record = decode_record(site_id, payload)
        except BadLoadRecordError as fault:
            yield from self._left(site_id)
            self._unreadable.add(site_id)
            if not was_unreadable:
                yield RecordRefused(fault=fault)
            return
        self._unreadable.discard(site_id)
        self._proofs.put(site_id, record.store_term)
        if self._proofs.is_lacking(site_id):
            yield from self._taken_back(site_id)
            return
        told = self._told.get(site_id)
        if told is None or (told.load, told.address) != (record.load, record.address):
            self._loads[site_id] = record.load
            yield SiteSeen(load=record.load, address=record.address)
        self._told[site_id] = record
