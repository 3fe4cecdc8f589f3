"""Sites drawn at random in proportion to a weight, at a cost that grows with the logarithm of their number.

A Fenwick tree over the weights (Fenwick 1994): to change a weight and to find the site at a
point of the running sum both take one step a bit of the count. A draw makes nothing per site.
"""

import random
from collections.abc import Callable, Iterator

from router.ids import SiteId

_REDRAW_LIMIT = 8
"""Draws that may meet a site that cannot be asked; after that its neighbours are tried in order."""


class WeightedDraw:
    def __init__(self) -> None:
        self._slots: dict[SiteId, int] = {}
        self._sites: list[SiteId] = []
        self._weights: list[int] = []
        self._tree: list[int] = [0]
        """`_tree[i]`, i from 1: the sum of the weights of as many slots before i as i's lowest bit says."""

    def __len__(self) -> int:
        return len(self._sites)

    def __iter__(self) -> Iterator[SiteId]:
        return iter(self._sites)

    def put(self, site_id: SiteId, weight: int) -> None:
        """Set a site's weight, a whole number above 0."""
        slot = self._slots.get(site_id)
        if slot is None:
            self._append(site_id, weight)
        else:
            self._reweigh(slot, weight)

    def discard(self, site_id: SiteId) -> None:
        """Take a site out; the last one moves to its place."""
        slot = self._slots.pop(site_id, None)
        if slot is None:
            return
        last_site, last_weight = self._sites[-1], self._weights[-1]
        self._sites.pop()
        self._tree.pop()  # no node before the last counts the last
        self._weights.pop()
        if slot < len(self._sites):
            self._slots[last_site] = slot
            self._sites[slot] = last_site
            self._reweigh(slot, last_weight)

    def draw(self, rng: random.Random, may_take: Callable[[SiteId], bool]) -> SiteId | None:
        """One that may be taken, in proportion to its weight; None when none may."""
        for _ in range(_REDRAW_LIMIT if self._sites else 0):
            site_id = self._at(rng.randrange(self._total()))
            if may_take(site_id):
                return site_id
        return self._next(rng, may_take)

    def draw_evenly(self, rng: random.Random, may_take: Callable[[SiteId], bool]) -> SiteId | None:
        """One that may be taken, whatever its weight; None when none may."""
        for _ in range(_REDRAW_LIMIT if self._sites else 0):
            site_id = self._sites[rng.randrange(len(self._sites))]
            if may_take(site_id):
                return site_id
        return self._next(rng, may_take)

    # --- inside ------------------------------------------------------------------------

    def _next(self, rng: random.Random, may_take: Callable[[SiteId], bool]) -> SiteId | None:
        count = len(self._sites)
        start = rng.randrange(count) if count else 0
        for offset in range(count):
            site_id = self._sites[(start + offset) % count]
            if may_take(site_id):
                return site_id
        return None

    def _append(self, site_id: SiteId, weight: int) -> None:
        self._slots[site_id] = len(self._sites)
        self._sites.append(site_id)
        self._weights.append(weight)
        node = len(self._sites)
        self._tree.append(self._sum(node - 1) - self._sum(node - (node & -node)) + weight)

    def _reweigh(self, slot: int, weight: int) -> None:
        change = weight - self._weights[slot]
        self._weights[slot] = weight
        node = slot + 1
        while change and node < len(self._tree):
            self._tree[node] += change
            node += node & -node

    def _sum(self, node: int) -> int:
        total = 0
        while node:
            total += self._tree[node]
            node &= node - 1
        return total

    def _total(self) -> int:
        return self._sum(len(self._sites))

    def _at(self, point: int) -> SiteId:
        """The site in whose share of the running sum the point lies."""
        node, step = 0, 1 << len(self._sites).bit_length()
        while step:
            below = node + step
            if below < len(self._tree) and self._tree[below] <= point:
                node = below
                point -= self._tree[below]
            step >>= 1
        return self._sites[node]
