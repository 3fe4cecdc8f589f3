"""Logging in: a name and a password become a session, in the same time whether the name exists or not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter

from branch.people import passwords
from branch.people.attempts import LoginAttempts, Trier
from branch.people.refusals import NotLoggedInError, WrongCredentialsError
from branch.people.sessions import Session, Sessions
from branch.people.turns import Turns
from branch.people.unknown_names import UnknownNames
from router.errors import RouterError
from router.ids import AgentId, SiteId, Skills
from sync.clock import Clock
from sync.records.tables import PersonRole

CHECK_INTERVAL_MS = 60_000
"""Who is removed while at a desk is out after so long."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A person who may log in."""

    person_id: str
    role: PersonRole
    secret_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """An agent as the site's people set it up."""

    agent_id: AgentId
    name: str
    skills: Skills


class PeopleRecords(Protocol):
    """The part of the store that knows people; its calls may block."""

    def credential(self, person_id: str) -> Credential | None: ...

    def agent(self, agent_id: AgentId) -> AgentRecord | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """A person is known, and a session began."""

    session: Session
    token: str
    name: str
    agent: AgentRecord | None
    """None for those who take no calls."""


class Login:
    """The way in."""

    def __init__(
        self,
        *,
        site_id: SiteId,
        records: PeopleRecords,
        sessions: Sessions,
        clock: Clock,
        new_id: Callable[[], str],
        registry: CollectorRegistry,
    ) -> None:
        """`clock` is the machine's own: tries are forgiven in real minutes."""
        self._site_id = site_id
        self._records = records
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id
        self._attempts = LoginAttempts()
        self._unknown_names = UnknownNames()
        self._turns = Turns()
        self._logins_total = Counter(
            "trunkline_desk_logins_total",
            "Tries to log in at a desk: OK, or RouterError.reason.",
            ["outcome"],
            registry=registry,
        )

    async def log_in(self, name: str, password: str, *, address: str) -> LoggedIn:
        """Begin a session; `address` is where the person's tool is.

        Raises:
            WrongCredentialsError: the two do not belong together.
            LoginLimitedError: too many wrong ones, or too many at once.
        """
        try:
            person = await self._log_in(Trier(name.removeprefix(f"{self._site_id}/"), address), password)
        except RouterError as refusal:
            self._logins_total.labels(refusal.reason).inc()
            raise
        self._logins_total.labels("OK").inc()
        log.info("person_logged_in", person=person.session.person_id, role=person.session.role)
        return person

    async def check(self, session: Session) -> None:
        """See, now and then, that the person may still be here.

        Raises:
            NotLoggedInError: removed, or with another role: every session of the person is over.
        """
        now = self._clock.mono_ms()
        if now - session.checked_at < CHECK_INTERVAL_MS:
            return
        session.checked_at = now
        credential = await asyncio.to_thread(self._records.credential, session.person_id)
        if credential is None or credential.role is not session.role:
            self._sessions.close_all_of(session.person_id)
            log.info("person_shut_out", person=session.person_id)
            raise NotLoggedInError("the person was removed or has another role")

    async def _log_in(self, trier: Trier, password: str) -> LoggedIn:
        async with self._turns.turn(trier.address):
            self._attempts.charge(trier, self._clock.mono_ms())
            credential = await self._proved(trier, password)
            agent = await self._agent_of(credential)
        self._attempts.clear(trier)
        return self._begun(credential, agent)

    async def _proved(self, trier: Trier, password: str) -> Credential:
        """Raises:
        WrongCredentialsError: the two do not belong together.
        """
        credential = await asyncio.to_thread(self._find, trier.name)
        kept = credential.secret_hash if credential else None
        if not await asyncio.to_thread(passwords.is_right, kept, password):
            self._tell_refused(credential, trier.address)
            raise WrongCredentialsError
        assert credential is not None, "no password is right for nobody"
        return credential

    def _tell_refused(self, credential: Credential | None, address: str) -> None:
        if credential is not None:
            log.warning("login_refused", person=credential.person_id, address=address)
        elif count := self._unknown_names.tell(address, self._clock.mono_ms()):
            # The name is not logged: it may be a password typed into the wrong place.
            log.warning("login_refused", person=None, address=address, count=count)

    async def _agent_of(self, credential: Credential) -> AgentRecord | None:
        """Raises:
        WrongCredentialsError: an agent who is in no list.
        """
        if credential.role is not PersonRole.AGENT:
            return None
        agent = await asyncio.to_thread(self._records.agent, AgentId(credential.person_id))
        if agent is None:
            log.error("agent_without_record", person=credential.person_id)
            raise WrongCredentialsError
        return agent

    def _find(self, name: str) -> Credential | None:
        return self._records.credential(f"{self._site_id}/{name}") or self._records.credential(name)

    def _begun(self, credential: Credential, agent: AgentRecord | None) -> LoggedIn:
        now = self._clock.mono_ms()
        session = Session(
            session_id=self._new_id(),
            person_id=credential.person_id,
            role=credential.role,
            agent_id=agent.agent_id if agent else None,
            opened_at=now,
            used_at=now,
            checked_at=now,
        )
        token = self._sessions.open(session)
        return LoggedIn(
            session=session, token=token, name=agent.name if agent else credential.person_id, agent=agent
        )
