"""Places for calls that go out: on the site's own lines, and on the links to other sites' lines."""

from router.errors import LineLimitError, NoLineError
from router.ids import LineId, SiteId
from router.outbound.policy import OutboundPolicy
from router.outbound.routes import Way
from router.overflow.links import Links


class Lines:
    """How many calls go out over each line."""

    def __init__(self, site_id: SiteId, policy: OutboundPolicy, links: Links) -> None:
        self._site_id = site_id
        self._policy = policy
        self._links = links
        self._used: dict[LineId, int] = {}

    def is_own(self, way: Way) -> bool:
        return way.site_id == self._site_id

    def require(self, way: Way) -> None:
        """Raises:
        NoLineError: the site has no such line.
        LineLimitError: line or link has as many calls as it may, and this is no emergency.
        """
        if not self.is_own(way):
            if self._links.headroom(way.site_id) <= 0:
                raise LineLimitError(way.line_id, self._links.leg_limit(way.site_id))
            return
        limit = self._policy.lines.get(way.line_id)
        if limit is None:
            raise NoLineError(f"line {way.line_id!r} is not among [[outbound.line]]")
        if not way.is_emergency and self._used.get(way.line_id, 0) >= limit:
            raise LineLimitError(way.line_id, limit)

    def take(self, way: Way) -> None:
        if self.is_own(way):
            self._used[way.line_id] = self._used.get(way.line_id, 0) + 1
        else:
            self._links.take(way.site_id)

    def give_back(self, way: Way) -> None:
        if self.is_own(way):
            assert self._used[way.line_id] > 0
            self._used[way.line_id] -= 1
        else:
            self._links.give_back(way.site_id)
