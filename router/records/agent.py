"""An agent's sessions and the spans of its states, folded from its rows."""

from dataclasses import dataclass, replace

from router.agent import AgentState
from router.ids import AgentId, SiteId, Skill
from router.ledger import AgentLoggedIn, AgentLoggedOut, AgentStateChanged, LedgerRow
from router.records.moment import Moment
from router.recovery import OpenSession


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """From log-in to log-out."""

    site_id: SiteId
    login_seq: int
    business_date: str
    """The day of the log-in."""
    agent_id: AgentId
    skills: tuple[Skill, ...]
    """As last set: logging in again replaces them."""
    login_utc_us: int
    logout_utc_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateSpan:
    """An agent was in one state, for one reason."""

    site_id: SiteId
    from_seq: int
    business_date: str
    """The day it began, however long it lasted."""
    agent_id: AgentId
    state: AgentState
    reason: str | None
    from_utc_us: int
    to_utc_us: int | None = None
    duration_ms: int | None = None
    """By the monotonic clock, unless the node was started anew meanwhile."""


class AgentFold:
    """One agent's open session and open span."""

    __slots__ = ("_since", "session", "span")

    def __init__(self, row: LedgerRow, entry: AgentLoggedIn) -> None:
        self.session = SessionRecord(
            site_id=row.site_id,
            login_seq=row.seq,
            business_date=row.business_date,
            agent_id=entry.agent_id,
            skills=entry.skills,
            login_utc_us=row.at_utc_us,
        )
        self.span: AgentStateSpan | None = None
        self._since = Moment.of(row)

    @property
    def is_over(self) -> bool:
        return self.session.logout_utc_us is not None

    def log_in_again(self, entry: AgentLoggedIn) -> tuple[SessionRecord, ...]:
        self.session = replace(self.session, skills=entry.skills)
        return (self.session,)

    def enter(self, row: LedgerRow, entry: AgentStateChanged) -> tuple[AgentStateSpan, ...]:
        """Close the span that lasts and, unless the agent is gone, begin the next."""
        closed = self._close_span(row)
        self._since = Moment.of(row)
        if entry.state is AgentState.LOGGED_OUT:
            return closed
        self.span = AgentStateSpan(
            site_id=row.site_id,
            from_seq=row.seq,
            business_date=row.business_date,
            agent_id=entry.agent_id,
            state=entry.state,
            reason=entry.reason,
            from_utc_us=row.at_utc_us,
        )
        return (*closed, self.span)

    def log_out(self, row: LedgerRow, entry: AgentLoggedOut) -> tuple[AgentStateSpan | SessionRecord, ...]:
        closed = self._close_span(row)
        self.session = replace(self.session, logout_utc_us=row.at_utc_us)
        return (*closed, self.session)

    def open_session(self) -> OpenSession:
        span = self.span
        return OpenSession(
            agent_id=self.session.agent_id,
            skills=frozenset(self.session.skills),
            state=AgentState.NOT_READY if span is None else span.state,
            reason=None if span is None else span.reason,
        )

    def _close_span(self, row: LedgerRow) -> tuple[AgentStateSpan, ...]:
        if self.span is None:
            return ()
        closed = replace(self.span, to_utc_us=row.at_utc_us, duration_ms=Moment.of(row).since_ms(self._since))
        self.span = None
        return (closed,)
