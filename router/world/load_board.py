"""The load board on virtual time: records as published, copied to every site now and then."""

from collections.abc import Mapping
from typing import Protocol

from router.facts import Fact, LoadSeen, SiteGone, ViewConfirmed
from router.ids import SiteId
from router.overflow.load import SiteLoad
from router.world.day.faults import Faults
from router.world.loop import Loop

CONFIRM_PERIOD_MS = 2_000
"""A view is confirmed this often: under the 3 s after which a floor calls its own view stale."""

LEASE_MS = 10_000
"""So long after a node was last heard its key leaves the board."""


class Viewer(Protocol):
    """The part of a node that the board needs."""

    @property
    def is_up(self) -> bool: ...
    def tell(self, fact: Fact) -> None: ...


class LoadBoard:
    """Record age is the study's variable: views stay confirmed while records are old."""

    def __init__(self, loop: Loop, nodes: Mapping[SiteId, Viewer], faults: Faults, *, period_ms: int) -> None:
        self._loop = loop
        self._nodes = nodes
        self._outages = (*faults.board_outages, *faults.cut_offs)
        self._period_ms = period_ms
        self._own: dict[SiteId, SiteLoad] = {}
        """What each site wants to stand on the board."""
        self._records: dict[SiteId, SiteLoad] = {}
        self._changed: dict[SiteId, None] = {}
        self._behind: set[SiteId] = set()
        """Sites that were cut off or down: shown everything when they are back."""
        self._heard_at: dict[SiteId, int] = {}

    def start(self) -> None:
        if self._period_ms:
            self._loop.after(self._period_ms, self._copy_periodically)
        self._loop.at(self._loop.now, self._confirm_periodically)

    def publish(self, load: SiteLoad) -> None:
        self._own[load.site_id] = load
        if not self._is_cut(load.site_id):
            self._write(load)

    def _write(self, load: SiteLoad) -> None:
        self._records[load.site_id] = load
        self._heard_at[load.site_id] = self._loop.now
        self._changed[load.site_id] = None
        if not self._period_ms:
            self._loop.after(0, self._copy)

    # --- copying -----------------------------------------------------------------------

    def _copy_periodically(self) -> None:
        self._copy()
        self._loop.after(self._period_ms, self._copy_periodically)

    def _copy(self) -> None:
        """Show every site what changed; who was away, everything."""
        records = self._records
        changed = [LoadSeen(load=records[site_id]) for site_id in self._changed if site_id in records]
        self._changed.clear()
        for site_id, node in self._nodes.items():
            if not node.is_up or self._is_cut(site_id):
                self._behind.add(site_id)
                continue
            if site_id in self._behind:
                self._behind.discard(site_id)
                self._show(node, site_id, [LoadSeen(load=load) for load in records.values()])
            elif changed:
                self._show(node, site_id, changed)

    def _show(self, node: Viewer, site_id: SiteId, seen: list[LoadSeen]) -> None:
        for each in seen:
            if each.load.site_id != site_id:
                node.tell(each)

    # --- leases ------------------------------------------------------------------------

    def _confirm_periodically(self) -> None:
        confirmed = ViewConfirmed()
        for site_id, node in self._nodes.items():
            if node.is_up and not self._is_cut(site_id):
                self._renew(site_id)
                node.tell(confirmed)
        self._expire()
        self._loop.after(CONFIRM_PERIOD_MS, self._confirm_periodically)

    def _renew(self, site_id: SiteId) -> None:
        self._heard_at[site_id] = self._loop.now
        own = self._own.get(site_id)
        if own is not None and self._records.get(site_id) is not own:
            self._write(own)

    def _expire(self) -> None:
        for site_id in list(self._records):
            if self._loop.now - self._heard_at[site_id] > LEASE_MS:
                del self._records[site_id]
                for other, node in self._nodes.items():
                    if other != site_id and node.is_up and not self._is_cut(other):
                        node.tell(SiteGone(site_id=site_id))

    def _is_cut(self, site_id: SiteId) -> bool:
        now = self._loop.now
        return any(each.site_id == site_id and each.covers(now) for each in self._outages)
