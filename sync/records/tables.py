"""A branch's tables. Those in `CONSOLIDATED` stand at HQ under the same names and keys.

Keys: the ledger has its own `(site_id, seq)`; spans and sessions of agents are named by
the seq of the ledger row that began them, so that every fold names them alike; the rest
have `(site_id, id)`. Durations are integers in ms, moments integers in UTC us, enums text
with a check. The ledger's `kind` has none: its list grows, and SQLite changes a check
only by writing the whole table anew; the codec refuses unknown kinds.

On PostgreSQL a trigger writes `rev` and the column `xid` (sync.records.postgres); on
SQLite, where one writer at a time is the rule, the writer takes `rev` from `revisions`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    Table,
    Text,
    event,
    literal_column,
)

from router.agent import AgentState
from router.call import Disposition
from router.callback.outcome import CallbackOutcome
from router.ledger import Role
from router.outbound.outcome import OutboundOutcome
from router.records.handoff_stage import HandoffStage
from router.visit.outcome import VisitOutcome
from sync.records.postgres import CREATE_CAPTURE, capture_statements
from sync.records.shape import ConsolidatedTable, choice, flag, integer, json_text, text


class ManagedBy(StrEnum):
    """Who may change a queue's policy: the site's own people, or HQ's directory."""

    SITE = "SITE"
    HQ = "HQ"


class CustomerClass(StrEnum):
    STANDARD = "STANDARD"
    VIP = "VIP"


class PersonRole(StrEnum):
    """What a person may do at a site's desk."""

    AGENT = "AGENT"
    SUPERVISOR = "SUPERVISOR"
    ADMIN = "ADMIN"


_SITE = text("site_id")

_LEDGER = ConsolidatedTable(
    name="ledger",
    key=(_SITE, integer("seq")),
    values=(
        integer("at_utc_us"),
        integer("mono_ms"),
        integer("incarnation"),
        text("kind"),
        text("call_id", is_nullable=True),
        text("agent_id", is_nullable=True),
        text("handoff_id", is_nullable=True),
        json_text("payload"),
    ),
    is_append_only=True,
)
"""`business_date` is the day of `at_utc_us`; seq has no gap."""

_CALLS = ConsolidatedTable(
    name="calls",
    key=(_SITE, text("call_id")),
    values=(
        text("dialled"),
        text("customer_id", is_nullable=True),
        text("queue_id", is_nullable=True),
        integer("priority"),
        json_text("skills"),
        integer("arrived_utc_us"),
        integer("queued_utc_us", is_nullable=True),
        integer("answered_utc_us", is_nullable=True),
        integer("ended_utc_us", is_nullable=True),
        choice("disposition", Disposition, is_nullable=True),
        text("reason", is_nullable=True),
        text("served_by", is_nullable=True),
        text("agent_id", is_nullable=True),
        text("handoff_id", is_nullable=True),
        integer("waited_ms"),
        integer("talk_ms"),
        integer("hold_ms"),
        integer("wrapup_ms"),
        integer("offer_count"),
        integer("ring_failure_count"),
        integer("transfer_count"),
        flag("is_short"),
    ),
)
"""The CDR, written by the call's origin alone; its business date is the day it arrived."""

_HANDOFFS = ConsolidatedTable(
    name="handoffs",
    key=(_SITE, text("handoff_id")),
    values=(
        choice("role", Role),
        text("peer"),
        choice("stage", HandoffStage),
        text("call_id", is_nullable=True),
        text("queue_id", is_nullable=True),
        text("agent_id", is_nullable=True),
        text("rule", is_nullable=True),
        text("reason", is_nullable=True),
        integer("began_utc_us"),
        integer("reserved_utc_us", is_nullable=True),
        integer("dialed_utc_us", is_nullable=True),
        integer("rang_utc_us", is_nullable=True),
        integer("connected_utc_us", is_nullable=True),
        integer("confirmed_utc_us", is_nullable=True),
        integer("ended_utc_us", is_nullable=True),
        integer("talk_ms"),
        integer("wrapup_ms"),
    ),
)
"""A site's own side of a hand-off; the peer has its own row at the same handoff_id."""

_AGENTS = ConsolidatedTable(
    name="agents",
    key=(_SITE, text("agent_id")),
    values=(text("name"), json_text("skills")),
)

_AGENT_SESSIONS = ConsolidatedTable(
    name="agent_sessions",
    key=(_SITE, integer("login_seq")),
    values=(
        text("agent_id"),
        json_text("skills"),
        integer("login_utc_us"),
        integer("logout_utc_us", is_nullable=True),
    ),
)

_AGENT_STATES = ConsolidatedTable(
    name="agent_states",
    key=(_SITE, integer("from_seq")),
    values=(
        text("agent_id"),
        choice("state", AgentState),
        text("reason", is_nullable=True),
        integer("from_utc_us"),
        integer("to_utc_us", is_nullable=True),
        integer("duration_ms", is_nullable=True),
    ),
)
"""Spans without a gap between log-in and log-out; `to_utc_us` is null in the one that lasts."""

_CUSTOMERS = ConsolidatedTable(
    name="customers",
    key=(_SITE, text("customer_id")),
    values=(text("name"), choice("customer_class", CustomerClass), text("region", is_nullable=True)),
)

_CUSTOMER_NUMBERS = ConsolidatedTable(
    name="customer_numbers",
    key=(_SITE, text("number")),
    values=(text("customer_id"),),
    is_erasable=True,
)
"""E.164; one number names one customer of a site."""

_CALLERS = ConsolidatedTable(
    name="callers",
    key=(_SITE, text("call_id")),
    values=(text("number", is_nullable=True), text("dialled")),
    is_erasable=True,
)
"""E.164, null when the caller withheld it, also of calls that went out; nothing else at a site
holds the number of somebody who called or was called."""

_CONTACT_NOTES = ConsolidatedTable(
    name="contact_notes",
    key=(_SITE, text("note_id")),
    values=(
        text("call_id"),
        text("customer_id", is_nullable=True),
        text("author"),
        integer("written_utc_us"),
        text("note"),
    ),
    is_append_only=True,
    is_erasable=True,
)
"""On this site's calls, also by agents of sites that helped; no other table holds what they say."""

_CALLBACKS = ConsolidatedTable(
    name="callbacks",
    key=(_SITE, text("call_id")),
    values=(
        text("queue_id"),
        integer("requested_utc_us"),
        integer("try_count"),
        integer("done_utc_us", is_nullable=True),
        choice("outcome", CallbackOutcome, is_nullable=True),
    ),
)
"""Asked for in the call of the same id; `done_utc_us` is null as long as the place is kept."""

_OUTBOUND_CALLS = ConsolidatedTable(
    name="outbound_calls",
    key=(_SITE, text("call_id")),
    values=(
        text("agent_id"),
        text("queue_id"),
        text("callback_of", is_nullable=True),
        text("via", is_nullable=True),
        text("line_id", is_nullable=True),
        text("handoff_id", is_nullable=True),
        integer("began_utc_us"),
        integer("dialed_utc_us", is_nullable=True),
        integer("answered_utc_us", is_nullable=True),
        integer("ended_utc_us", is_nullable=True),
        choice("outcome", OutboundOutcome, is_nullable=True),
        integer("ring_ms"),
        integer("talk_ms"),
        integer("hold_ms"),
        integer("wrapup_ms"),
    ),
)
"""Calls that went out for this site's agents; the number dialled stands in `callers` alone."""

_LINE_LOANS = ConsolidatedTable(
    name="line_loans",
    key=(_SITE, text("handoff_id")),
    values=(
        text("peer"),
        text("call_id"),
        text("line_id"),
        integer("lent_utc_us"),
        integer("returned_utc_us", is_nullable=True),
        choice("outcome", OutboundOutcome, is_nullable=True),
        integer("talk_ms"),
    ),
)
"""This site's lines under another site's agents, whose own row has the same handoff_id."""

_VOICEMAILS = ConsolidatedTable(
    name="voicemails",
    key=(_SITE, text("call_id")),
    values=(
        text("queue_id"),
        integer("left_utc_us"),
        integer("heard_utc_us", is_nullable=True),
        text("heard_by", is_nullable=True),
    ),
)
"""Messages of callers. `heard_by` is the person who heard it first; the site marks that without a row."""

_RECORDINGS = ConsolidatedTable(
    name="recordings",
    key=(_SITE, text("recording_id")),
    values=(
        text("call_id"),
        text("agent_id"),
        text("queue_id"),
        integer("started_utc_us"),
        integer("ended_utc_us", is_nullable=True),
        integer("duration_ms", is_nullable=True),
        text("retained_until"),
        integer("pruned_utc_us", is_nullable=True),
    ),
)
"""What was recorded, never of whom. `retained_until` is an ISO date; `pruned_utc_us` is when the site
deleted the file for its age: such a row stays, while one that somebody deleted leaves a tombstone."""

_RETURN_VISITS = ConsolidatedTable(
    name="return_visits",
    key=(_SITE, text("call_id")),
    values=(
        text("customer_id", is_nullable=True),
        text("queue_id"),
        text("agent_id", is_nullable=True),
        integer("called_utc_us"),
        text("due_date"),
        integer("try_count"),
        text("outbound_id", is_nullable=True),
        integer("tried_utc_us", is_nullable=True),
        text("last_outbound_id", is_nullable=True),
        choice("last_outcome", OutboundOutcome, is_nullable=True),
        integer("done_utc_us", is_nullable=True),
        choice("outcome", VisitOutcome, is_nullable=True),
    ),
)
"""Answered callers who are called again; the key is the visited call's. `business_date` is the day on
which it was put on the list, `outbound_id` the call that goes out for it at this moment,
`last_outbound_id` that of its last try: both stand in `outbound_calls`, their numbers in `callers` alone."""

_QUEUE_POLICIES = ConsolidatedTable(
    name="queue_policies",
    key=(_SITE, text("queue_id"), integer("version")),
    values=(
        json_text("settings"),
        choice("managed_by", ManagedBy),
        flag("is_removed"),
        integer("applied_utc_us"),
    ),
    is_append_only=True,
)
"""Every version that was ever applied; the highest one of a queue is in force unless removed."""

CONSOLIDATED = (
    _LEDGER,
    _CALLS,
    _HANDOFFS,
    _AGENTS,
    _AGENT_SESSIONS,
    _AGENT_STATES,
    _CUSTOMERS,
    _CUSTOMER_NUMBERS,
    _CALLERS,
    _CALLBACKS,
    _VOICEMAILS,
    _QUEUE_POLICIES,
    _RECORDINGS,
    _OUTBOUND_CALLS,
    _LINE_LOANS,
    _RETURN_VISITS,
    _CONTACT_NOTES,
)
"""Everything that HQ gets, in the order of the streams."""

METADATA = MetaData()
"""A branch's database. The journal adds its own tables to it (sync.journal)."""


def on_postgres(target: MetaData | Table, when: str, statements: Iterable[str]) -> None:
    """Have `create_all` run these too, `when` "before_create" or "after_create", on PostgreSQL."""
    for statement in statements:
        ddl = DDL(statement)  # type: ignore[no-untyped-call]  # without annotations in SQLAlchemy 2.1
        event.listen(target, when, ddl.execute_if(dialect="postgresql"))


def captured(table: Table) -> Table:
    """Let `rev`, and on PostgreSQL `xid`, order the changes of `table`."""
    Index(f"{table.name}_rev", table.c.rev).ddl_if(dialect="sqlite")
    on_postgres(table, "after_create", capture_statements(table.name))
    return table


def _branch_table(consolidated: ConsolidatedTable, *indexed: str) -> Table:
    table = captured(consolidated.table(METADATA))
    # A day is read in the order of its key.
    days = (table.c.business_date, *(column for column in table.primary_key if column.name != "site_id"))
    Index(f"{table.name}_business_date", *days)
    for name in indexed:
        Index(f"{table.name}_{name}", table.c[name])
    return table


def _partial_index(name: str, column: Column[Any], *, where: str) -> None:
    """An index of the few rows that are ever looked for by it: the others need not pay."""
    Index(name, column, sqlite_where=literal_column(where), postgresql_where=literal_column(where))


on_postgres(METADATA, "before_create", CREATE_CAPTURE)


LEDGER = _branch_table(_LEDGER)
_partial_index("ledger_call_id", LEDGER.c.call_id, where="call_id IS NOT NULL")
_partial_index("ledger_handoff_id", LEDGER.c.handoff_id, where="handoff_id IS NOT NULL")
_partial_index("ledger_node_started", LEDGER.c.seq, where="kind = 'NODE_STARTED'")
CALLS = _branch_table(_CALLS)
_partial_index("calls_customer_id", CALLS.c.customer_id, where="customer_id IS NOT NULL")
HANDOFFS = _branch_table(_HANDOFFS)
AGENTS = _branch_table(_AGENTS)
AGENT_SESSIONS = _branch_table(_AGENT_SESSIONS)
AGENT_STATES = _branch_table(_AGENT_STATES)
CUSTOMERS = _branch_table(_CUSTOMERS)
CUSTOMER_NUMBERS = _branch_table(_CUSTOMER_NUMBERS, "customer_id")
CALLERS = _branch_table(_CALLERS)
CALLBACKS = _branch_table(_CALLBACKS)
VOICEMAILS = _branch_table(_VOICEMAILS)
_partial_index("voicemails_unheard", VOICEMAILS.c.left_utc_us, where="heard_utc_us IS NULL")
QUEUE_POLICIES = _branch_table(_QUEUE_POLICIES)
RECORDINGS = _branch_table(_RECORDINGS)
_partial_index("recordings_kept", RECORDINGS.c.retained_until, where="pruned_utc_us IS NULL")
OUTBOUND_CALLS = _branch_table(_OUTBOUND_CALLS)
LINE_LOANS = _branch_table(_LINE_LOANS)
RETURN_VISITS = _branch_table(_RETURN_VISITS)
CONTACT_NOTES = _branch_table(_CONTACT_NOTES, "call_id")
_partial_index("contact_notes_customer_id", CONTACT_NOTES.c.customer_id, where="customer_id IS NOT NULL")
_partial_index("return_visits_open", RETURN_VISITS.c.due_date, where="done_utc_us IS NULL")
_partial_index("callbacks_open", CALLBACKS.c.call_id, where="done_utc_us IS NULL")
_partial_index("outbound_calls_open", OUTBOUND_CALLS.c.call_id, where="ended_utc_us IS NULL")
_partial_index("line_loans_open", LINE_LOANS.c.handoff_id, where="returned_utc_us IS NULL")

# --- what never leaves the site ---------------------------------------------------------

CREDENTIALS = Table(
    "credentials",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("person_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    CheckConstraint(
        f"role IN ({', '.join(repr(str(role)) for role in PersonRole)})", name="credentials_role_check"
    ),
    sqlite_with_rowid=False,
)
"""People who may log in: agents by their agent_id, others by a name. argon2 hashes."""

AGENT_PLACES = Table(
    "agent_places",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("agent_id", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Text),
    Column("ring_limit_ms", BigInteger),
    sqlite_with_rowid=False,
)
"""Where agents are reached, in the order of ringing. `number` is an agent's own: E.164; NULL is its phone."""

INCARNATIONS = Table(
    "incarnations",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("incarnation", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""The highest incarnation that this site's node ever ran under."""

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("site_id", Text, primary_key=True),
    Column("rev", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""SQLite only: the last `rev` given out (sync.records.revision)."""
