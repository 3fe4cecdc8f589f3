"""Least cost: which line a number leaves by, or why it may not leave.

Longest prefix first, then the cheapest, then the site's own line, then by name.
"""

from dataclasses import dataclass

from router.errors import NoLineError, NotAllowedError
from router.ids import LineId, SiteId
from router.outbound.policy import OutboundPolicy, Route

_SHOWN_DIGITS = 4
"""Of a number in a refusal: enough to find the route, too few to know the customer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Over which site's line a call goes out."""

    site_id: SiteId
    line_id: LineId
    is_emergency: bool = False


class Routes:
    """One site's routes."""

    def __init__(self, site_id: SiteId, policy: OutboundPolicy) -> None:
        self._site_id = site_id
        self._policy = policy

    @property
    def has_own(self) -> bool:
        """Whether anything may leave by a line of this site."""
        return any(route.site_id == self._site_id for route in self._policy.routes)

    def choose(self, number: str) -> Way:
        """The way of a number that this site's agent dials.

        Raises:
            NotAllowedError: barred, or no route leads there.
            NoLineError: an emergency at a site without a line of its own.
        """
        if number in self._policy.emergency_numbers:
            if self._policy.emergency_line is None:
                raise NoLineError("[outbound] emergency_line is not set")
            return Way(site_id=self._site_id, line_id=self._policy.emergency_line, is_emergency=True)
        return self._way(self._best(number, self._policy.routes))

    def other_emergency_ways(self) -> list[Way]:
        """Where an emergency call goes after the emergency line, one line after the other."""
        others = (line_id for line_id in self._policy.lines if line_id != self._policy.emergency_line)
        return [Way(site_id=self._site_id, line_id=line_id, is_emergency=True) for line_id in others]

    def choose_own(self, number: str) -> Way:
        """The same over the site's own lines only: callers are called back by these.

        Raises:
            NotAllowedError: barred, or no route leads there.
        """
        return self._way(self._best(number, self._own()))

    def choose_for(self, guest: SiteId, number: str) -> Way:
        """The same for another site's agent: by routes that name it as a guest.

        Raises:
            NotAllowedError: barred, or no route leads there for this guest.
        """
        own = tuple(route for route in self._own() if guest in route.guests)
        return self._way(self._best(number, own))

    # --- inside ------------------------------------------------------------------------

    def _own(self) -> tuple[Route, ...]:
        return tuple(route for route in self._policy.routes if route.site_id == self._site_id)

    def _best(self, number: str, routes: tuple[Route, ...]) -> Route:
        fitting = [route for route in routes if number.startswith(route.prefix)]
        if not fitting or not _is_e164(number) or number.startswith(self._policy.barred):
            raise NotAllowedError(number[:_SHOWN_DIGITS])
        return min(fitting, key=self._rank)

    def _rank(self, route: Route) -> tuple[int, float, bool, SiteId, LineId]:
        return (
            -len(route.prefix),
            route.cost,
            route.site_id != self._site_id,
            route.site_id,
            route.line_id,
        )

    def _way(self, route: Route) -> Way:
        return Way(site_id=route.site_id, line_id=route.line_id)


def _is_e164(number: str) -> bool:
    """A plus sign and digits: nothing that a PBX could read as more than a number."""
    return number[1:].isascii() and number[1:].isdigit() and len(number) <= 16
