"""Reads the ledger: its end, a day of it, and the rows of what is open or was forgotten."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from router.ids import CallId, SiteId
from router.ledger import AgentLoggedIn, AgentLoggedOut, AgentStateChanged, LedgerRow
from router.records.fold import Recall, RecordFold
from router.records.handoff_stage import OVER
from sync.records.codec import ledger_row
from sync.records.tables import (
    AGENT_SESSIONS,
    CALLBACKS,
    CALLS,
    HANDOFFS,
    LEDGER,
    LINE_LOANS,
    OUTBOUND_CALLS,
)

OVER_HANDOFFS_KEPT = 1_000
"""Late messages about hand-offs come within half a minute; beyond these the ledger is asked."""

_AGENT_KINDS = (AgentLoggedIn.kind, AgentLoggedOut.kind, AgentStateChanged.kind)

_IS_NODE_STARTED: ColumnElement[bool] = literal_column("kind = 'NODE_STARTED'")
"""A literal, because SQLite uses a partial index only where it can see that it applies."""


def last_seq(connection: Connection, site_id: SiteId) -> int:
    """The seq of the site's last row; 0 when there is none."""
    newest = select(func.max(LEDGER.c.seq)).where(LEDGER.c.site_id == site_id)
    return connection.execute(newest).scalar_one() or 0


def day_page(
    connection: Connection, site_id: SiteId, business_date: str, *, after_seq: int, row_limit: int
) -> list[LedgerRow]:
    """The site's next rows of one business day, in the order of seq."""
    page = (
        select(LEDGER)
        .where(
            LEDGER.c.site_id == site_id,
            LEDGER.c.business_date == business_date,
            LEDGER.c.seq > after_seq,
        )
        .order_by(LEDGER.c.seq)
        .limit(row_limit)
    )
    return [ledger_row(record) for record in connection.execute(page).mappings()]


def call_rows(connection: Connection, site_id: SiteId, call_id: CallId) -> Sequence[LedgerRow]:
    """The site's rows about one call, in the order of seq."""
    return _rows(connection, site_id, [LEDGER.c.call_id == call_id])


def open_fold(connection: Connection, site_id: SiteId) -> RecordFold:
    """A fold that knows all that is open at the end of the ledger, ready for the next row."""
    open_calls = select(CALLS.c.call_id).where(CALLS.c.site_id == site_id, CALLS.c.ended_utc_us.is_(None))
    over = [str(stage) for stage in OVER]
    open_handoffs = select(HANDOFFS.c.handoff_id).where(
        HANDOFFS.c.site_id == site_id, HANDOFFS.c.stage.not_in(over) | HANDOFFS.c.call_id.in_(open_calls)
    )
    open_sessions = AGENT_SESSIONS.select().where(
        AGENT_SESSIONS.c.site_id == site_id, AGENT_SESSIONS.c.logout_utc_us.is_(None)
    )
    sessions = connection.execute(open_sessions).all()
    since = min((session.login_seq for session in sessions), default=0)
    fold = RecordFold(over_limit=OVER_HANDOFFS_KEPT)
    wanted = [LEDGER.c.call_id.in_(open_calls), LEDGER.c.handoff_id.in_(open_handoffs), _IS_NODE_STARTED]
    wanted += _of_what_goes_out(site_id)
    if sessions:
        agents = [session.agent_id for session in sessions]
        of_agents = LEDGER.c.kind.in_(_AGENT_KINDS) & LEDGER.c.agent_id.in_(agents)
        wanted.append(of_agents & (LEDGER.c.seq >= since))
    for row in _rows(connection, site_id, wanted):
        fold.apply(row)
    return fold


def tell_again(connection: Connection, site_id: SiteId, fold: RecordFold, recall: Recall) -> None:
    """Let the fold know again what it has forgotten of `recall`; most of that is new, though."""
    if not recall.handoffs and not recall.calls:
        return
    known = HANDOFFS.c.handoff_id.in_(recall.handoffs) | HANDOFFS.c.call_id.in_(recall.calls)
    handoffs = select(HANDOFFS.c.handoff_id).where(HANDOFFS.c.site_id == site_id, known)
    found = connection.execute(handoffs).scalars().all()
    if not found and not recall.calls:
        return
    told = RecordFold()
    wanted = [LEDGER.c.call_id.in_(recall.calls), LEDGER.c.handoff_id.in_(found), _IS_NODE_STARTED]
    for row in _rows(connection, site_id, wanted):
        told.apply(row)
    fold.adopt(told)


def _of_what_goes_out(site_id: SiteId) -> list[ColumnElement[bool]]:
    """The rows of callbacks that are not done, of open calls that went out and of lent lines."""
    callbacks = select(CALLBACKS.c.call_id).where(
        CALLBACKS.c.site_id == site_id, CALLBACKS.c.done_utc_us.is_(None)
    )
    outbound = select(OUTBOUND_CALLS.c.call_id).where(
        OUTBOUND_CALLS.c.site_id == site_id, OUTBOUND_CALLS.c.ended_utc_us.is_(None)
    )
    loans = select(LINE_LOANS.c.handoff_id).where(
        LINE_LOANS.c.site_id == site_id, LINE_LOANS.c.returned_utc_us.is_(None)
    )
    return [
        LEDGER.c.call_id.in_(callbacks),
        LEDGER.c.call_id.in_(outbound),
        LEDGER.c.handoff_id.in_(loans),
    ]


def _rows(
    connection: Connection, site_id: SiteId, wanted: Iterable[ColumnElement[bool]]
) -> Sequence[LedgerRow]:
    """The rows that fit any of the conditions, in the order of seq.

    One query each: databases find the index for one condition, and seldom for an OR of them.
    """
    found: dict[int, LedgerRow] = {}
    for condition in wanted:
        query = select(LEDGER).where(LEDGER.c.site_id == site_id, condition)
        found |= {record["seq"]: ledger_row(record) for record in connection.execute(query).mappings()}
    return [found[seq] for seq in sorted(found)]
