"""Follow-me: the places where each agent is reached, one after the other, and the lines that lead there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.acd.place import OWN_PHONE, PLACE_LIMIT, Place
from router.call import Language
from router.errors import InvalidPolicyError, RouterError
from router.ids import AgentId
from router.orders import Outside
from router.outbound.lines import Lines
from router.outbound.routes import Routes, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A place that can be rung now."""

    index: int
    """Of its place; the next stop is looked for behind it."""
    ring_limit_ms: int
    way: Way | None = None
    """The site's own line to a number outside, with room on it."""
    outside: Outside | None = None


class Reach:
    """The places of one site's agents, logged in or not."""

    def __init__(self, routes: Routes, lines: Lines, language: Language) -> None:
        """`language` is what the site's own agents speak."""
        self._routes = routes
        self._lines = lines
        self._language = language
        self._places: dict[AgentId, tuple[Place, ...]] = {}

    def set_places(self, agent_id: AgentId, places: Sequence[Place]) -> None:
        """From the next ring on; no places: the agent's own phone.

        Raises:
            InvalidPolicyError: more places than a caller would wait for.
            NotAllowedError: a number that no route of the site's own lines leads to. Nothing changed.
        """
        if len(places) > PLACE_LIMIT:
            raise InvalidPolicyError(f"agent {agent_id!r}, places", f"at most {PLACE_LIMIT}")
        for place in places:
            if place.number is not None:
                self._routes.choose_own(place.number)
        if tuple(places) in ((), OWN_PHONE):
            self._places.pop(agent_id, None)
        else:
            self._places[agent_id] = tuple(places)

    def resume(self, places: Mapping[AgentId, tuple[Place, ...]]) -> None:
        """After a restart; a number that may not be dialled any more is passed over when it is to ring."""
        self._places.update(places)

    def places(self, agent_id: AgentId) -> Sequence[Place]:
        return self._places.get(agent_id, OWN_PHONE)

    def is_outside(self, agent_id: AgentId) -> bool:
        """Whether the agent can be reached without its own phone."""
        return any(place.number is not None for place in self.places(agent_id))

    def first(self, agent_id: AgentId, limit_ms: int) -> Stop:
        """Where a ring begins. With no line free, or none left that leads there: at its own phone."""
        return self.after(agent_id, -1, limit_ms) or Stop(index=PLACE_LIMIT, ring_limit_ms=limit_ms)

    def after(self, agent_id: AgentId, index: int, limit_ms: int, freed: Way | None = None) -> Stop | None:
        """The next place that can be rung now; None behind the last."""
        for number, place in enumerate(self.places(agent_id)):
            if number > index:
                stop = self._stop(number, place, limit_ms, freed)
                if stop is not None:
                    return stop
        return None

    def _stop(self, index: int, place: Place, limit_ms: int, freed: Way | None) -> Stop | None:
        ring_limit_ms = limit_ms if place.ring_limit_ms is None else place.ring_limit_ms
        if place.number is None:
            return Stop(index=index, ring_limit_ms=ring_limit_ms)
        try:
            way = self._routes.choose_own(place.number)
            if way != freed:
                self._lines.require(way)
        except RouterError:
            return None  # The number may not be dialled any more, or the line is full: the next place, then.
        outside = Outside(line_id=way.line_id, number=place.number, language=self._language)
        return Stop(index=index, ring_limit_ms=ring_limit_ms, way=way, outside=outside)
