"""Where the site's agents are reached, beside their phones; numbers that never leave the site."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, select

from branch.store.site_database import SiteDatabase
from router.acd.place import OWN_PHONE, Place
from router.ids import AgentId
from sync.records.tables import AGENT_PLACES


class AgentPlaces:
    """Serves desks, phones and the commands; its calls block."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    def places(self) -> dict[AgentId, tuple[Place, ...]]:
        """Of all agents who are reached anywhere else than at their own phone, in the order of ringing."""
        query = (
            select(AGENT_PLACES)
            .where(AGENT_PLACES.c.site_id == self._database.site_id)
            .order_by(AGENT_PLACES.c.agent_id, AGENT_PLACES.c.position)
        )
        found: defaultdict[AgentId, list[Place]] = defaultdict(list)
        with self._database.reading() as connection:
            for row in connection.execute(query):
                place = Place(number=row.number, ring_limit_ms=row.ring_limit_ms)
                found[AgentId(row.agent_id)].append(place)
        return {agent_id: tuple(places) for agent_id, places in found.items()}

    def set_places(self, agent_id: AgentId, places: Sequence[Place]) -> None:
        """These and no others; none, or the own phone alone: as an agent who has said nothing."""
        with self._database.writing() as connection:
            self.forget(connection, agent_id)
            if tuple(places) not in ((), OWN_PHONE):
                connection.execute(
                    AGENT_PLACES.insert(),
                    [
                        {
                            "site_id": self._database.site_id,
                            "agent_id": agent_id,
                            "position": position,
                            "number": place.number,
                            "ring_limit_ms": place.ring_limit_ms,
                        }
                        for position, place in enumerate(places)
                    ],
                )

    def forget(self, connection: Connection, agent_id: AgentId) -> None:
        """Whoever removes the agent takes its numbers along."""
        connection.execute(
            AGENT_PLACES.delete().where(
                AGENT_PLACES.c.site_id == self._database.site_id, AGENT_PLACES.c.agent_id == agent_id
            )
        )
