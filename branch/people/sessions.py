"""Who is logged in at this process, and the tokens that prove it.

A token is short: the session's id under a signature with a key that only this incarnation
of the branch has. What it is good for stands here, so that logging out ends it at once
and using it prolongs it; a restart ends all of them.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from branch.people.refusals import NotLoggedInError, SessionStaleError
from router.ids import AgentId, Instant
from sync.records.tables import PersonRole

IDLE_LIMIT_MS = 15 * 60_000
"""A token nobody used for so long is not good any more; a desk that watches uses it each second."""
SESSION_LIMIT_MS = 12 * 3_600_000
"""A shift: nobody's token lives longer, used or not."""
PERSON_LIMIT = 8
"""Sessions of one person; a script that logs in for each command would pile them up. The oldest ends."""
SESSION_LIMIT = 5_000

_VERSION = "d1"


@dataclass(slots=True)
class Session:
    """One log-in. Only `Sessions` changes it."""

    session_id: str
    person_id: str
    role: PersonRole
    agent_id: AgentId | None
    opened_at: Instant
    used_at: Instant
    checked_at: Instant
    """When the person's credential was last looked at."""
    is_closed: bool = False


class Sessions:
    """The log-ins of one incarnation, on the machine's own clock: a lab's speed ends no session."""

    def __init__(self, *, incarnation: int, key: bytes) -> None:
        self._prefix = f"{_VERSION}.{incarnation}."
        self._key = key
        self._sessions: dict[str, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, session: Session) -> str:
        """Begin the session and return its token; the oldest ones make room."""
        of_person = [each for each in self._sessions.values() if each.person_id == session.person_id]
        if len(of_person) >= PERSON_LIMIT:
            self._close(of_person[0])
        if len(self._sessions) >= SESSION_LIMIT:
            self._close(min(self._sessions.values(), key=lambda each: each.used_at))
        self._sessions[session.session_id] = session
        content = self._prefix + session.session_id
        return f"{content}.{self._signature(content)}"

    def use(self, token: str, now: Instant) -> Session:
        """Whose token this is; its life begins anew.

        Raises:
            SessionStaleError: it is of another incarnation.
            NotLoggedInError: it is forged, over, or was logged out.
        """
        content, _, signature = token.rpartition(".")
        if not content.startswith(_VERSION + "."):
            raise NotLoggedInError("the token is not one of ours")
        if not content.startswith(self._prefix):
            raise SessionStaleError
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            raise NotLoggedInError("the token is not one of ours")
        session = self._sessions.get(content.removeprefix(self._prefix))
        if session is None:
            raise NotLoggedInError("the session is over")
        self.keep(session, now)
        return session

    def keep(self, session: Session, now: Instant) -> None:
        """The session is in use, as by an open stream.

        Raises:
            NotLoggedInError: it is over.
        """
        is_idle = now - session.used_at > IDLE_LIMIT_MS
        if session.is_closed or is_idle or now - session.opened_at > SESSION_LIMIT_MS:
            self._close(session)
            raise NotLoggedInError("the session is over")
        session.used_at = now

    def close_all_of(self, person_id: str) -> None:
        """The person logged out, everywhere."""
        for session in [each for each in self._sessions.values() if each.person_id == person_id]:
            self._close(session)

    def _close(self, session: Session) -> None:
        session.is_closed = True
        self._sessions.pop(session.session_id, None)

    def _signature(self, content: str) -> str:
        mac = hmac.new(self._key, content.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
