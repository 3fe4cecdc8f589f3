"""The legs in use on each trunk link, both directions together."""

from collections.abc import Mapping

from router.ids import SiteId
from router.overflow.policy import Media, OverflowPolicy

_UNCONFIGURED_LEG_LIMIT = 30
"""For a peer that joined the board without a link of its own in this site's file."""


class Links:
    def __init__(self, policy: OverflowPolicy) -> None:
        self._policy = policy
        self._used: dict[SiteId, int] = {}
        self._headroom: Mapping[SiteId, int] | None = None
        """Of all links; made anew after a change, since each load record shows it."""

    def leg_limit(self, site_id: SiteId) -> int:
        link = self._policy.links.get(site_id)
        return link.leg_limit if link is not None else _UNCONFIGURED_LEG_LIMIT

    def media(self, site_id: SiteId) -> Media:
        link = self._policy.links.get(site_id)
        return link.media if link is not None else Media.BRIDGE

    @property
    def has_redirects(self) -> bool:
        """Whether callers of this site may be sent on unanswered, to one peer at least."""
        return self._policy.is_enabled and any(
            link.media is Media.REDIRECT for link in self._policy.links.values()
        )

    def headroom(self, site_id: SiteId) -> int:
        return self.leg_limit(site_id) - self._used.get(site_id, 0)

    def all_headroom(self) -> Mapping[SiteId, int]:
        if self._headroom is None:
            self._headroom = {site_id: self.headroom(site_id) for site_id in self._policy.links}
        return self._headroom

    def take(self, site_id: SiteId) -> None:
        self._used[site_id] = self._used.get(site_id, 0) + 1
        self._headroom = None

    def give_back(self, site_id: SiteId) -> None:
        assert self._used[site_id] > 0
        self._used[site_id] -= 1
        self._headroom = None
