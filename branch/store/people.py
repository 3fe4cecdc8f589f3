"""Agents as the site set them up, and who may log in; secrets never leave the site."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from branch.people.login import AgentRecord, Credential
from branch.store.agent_places import AgentPlaces
from branch.store.site_database import SiteDatabase
from branch.store.statements import upsert_rows
from router.ids import AgentId, Skill, Skills
from sync.records.codec import canonical_json
from sync.records.tables import AGENTS, CREDENTIALS, PersonRole


class People:
    """Serves log-ins, desks and the commands."""

    def __init__(self, database: SiteDatabase) -> None:
        self._database = database

    # --- agents ------------------------------------------------------------------------

    def agents(self) -> list[AgentRecord]:
        """All agents of the site, by their ids."""
        query = select(AGENTS).where(AGENTS.c.site_id == self._database.site_id).order_by(AGENTS.c.agent_id)
        with self._database.reading() as connection:
            return [_agent(row) for row in connection.execute(query)]

    def agent(self, agent_id: AgentId) -> AgentRecord | None:
        query = select(AGENTS).where(
            AGENTS.c.site_id == self._database.site_id, AGENTS.c.agent_id == agent_id
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _agent(row)

    def skills_of(self, agent_id: AgentId) -> Skills | None:
        """None: no such agent here."""
        agent = self.agent(agent_id)
        return None if agent is None else agent.skills

    def set_agent(self, agent: AgentRecord) -> None:
        """Add the agent, or change the one with this id."""
        self.set_agents([agent])

    def set_agents(self, agents: Iterable[AgentRecord]) -> None:
        """Add or change them all, or none."""
        with self._database.writing() as connection:
            for agent in agents:
                values = {
                    "agent_id": agent.agent_id,
                    "name": agent.name,
                    "skills": canonical_json(sorted(agent.skills)),
                }
                self._database.put(connection, AGENTS, values)

    def remove_agent(self, agent_id: AgentId) -> bool:
        """Remove agent, credential and places; the ledger keeps its acts. False: no such agent."""
        with self._database.writing() as connection:
            AgentPlaces(self._database).forget(connection, agent_id)
            connection.execute(CREDENTIALS.delete().where(*self._is(agent_id)))
            return self._database.remove(connection, AGENTS, (agent_id,))

    # --- credentials -------------------------------------------------------------------

    def credentials(self) -> list[Credential]:
        """Everybody who may log in, by their ids."""
        query = select(CREDENTIALS).where(CREDENTIALS.c.site_id == self._database.site_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(CREDENTIALS.c.person_id))
            return [_credential(row) for row in rows]

    def credential(self, person_id: str) -> Credential | None:
        with self._database.reading() as connection:
            row = connection.execute(select(CREDENTIALS).where(*self._is(person_id))).first()
        return None if row is None else _credential(row)

    def set_credential(self, credential: Credential) -> None:
        """Let a person log in, or change role and secret of one who may already."""
        values = {
            "site_id": self._database.site_id,
            "person_id": credential.person_id,
            "role": str(credential.role),
            "secret_hash": credential.secret_hash,
        }
        with self._database.writing() as connection:
            upsert_rows(connection, CREDENTIALS, [values])

    def remove_credential(self, person_id: str) -> bool:
        """The person cannot log in any more. False: it could not before."""
        with self._database.writing() as connection:
            return connection.execute(CREDENTIALS.delete().where(*self._is(person_id))).rowcount > 0

    def _is(self, person_id: str) -> tuple[Any, ...]:
        return (CREDENTIALS.c.site_id == self._database.site_id, CREDENTIALS.c.person_id == person_id)


def _agent(row: Row[Any]) -> AgentRecord:
    return AgentRecord(
        agent_id=AgentId(row.agent_id),
        name=row.name,
        skills=frozenset(Skill(each) for each in json.loads(row.skills)),
    )


def _credential(row: Row[Any]) -> Credential:
    return Credential(person_id=row.person_id, role=PersonRole(row.role), secret_hash=row.secret_hash)
