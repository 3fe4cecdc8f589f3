"""The first schema: the ledger, what derives from it, people, customers, queues, and the journal's own."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync.records.postgres import CREATE_CAPTURE, capture_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def integer(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), primary_key=key, nullable=null, autoincrement=False)


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def octets(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def create(table: str, *columns: sa.Column[Any], **choices: str) -> None:
    """Create a table whose enums, named in `choices`, have the given words."""
    checks = (
        sa.CheckConstraint(
            f"{name} IN ({', '.join(repr(word) for word in words.split())})", name=f"{table}_{name}_check"
        )
        for name, words in choices.items()
    )
    op.create_table(table, *columns, *checks, sqlite_with_rowid=False)


def capture(table: str) -> None:
    """Order the table's changes."""
    if op.get_bind().dialect.name == "postgresql":
        for statement in capture_statements(table):
            op.execute(statement)
    else:
        op.create_index(f"{table}_rev", table, ["rev"])


def index_some(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in CREATE_CAPTURE:
            op.execute(statement)
    create_records()
    create_people()
    create_journal()


def create_records() -> None:
    create(
        "ledger",
        text("site_id", key=True),
        integer("seq", key=True),
        integer("at_utc_us"),
        integer("mono_ms"),
        integer("incarnation"),
        text("kind"),
        text("call_id", null=True),
        text("agent_id", null=True),
        text("handoff_id", null=True),
        text("payload"),
        text("business_date"),
        integer("rev"),
    )
    capture("ledger")
    op.create_index("ledger_business_date", "ledger", ["business_date", "seq"])
    index_some("ledger_call_id", "ledger", "call_id", "call_id IS NOT NULL")
    index_some("ledger_handoff_id", "ledger", "handoff_id", "handoff_id IS NOT NULL")
    index_some("ledger_node_started", "ledger", "seq", "kind = 'NODE_STARTED'")
    create(
        "calls",
        text("site_id", key=True),
        text("call_id", key=True),
        text("dialled"),
        text("customer_id", null=True),
        text("queue_id", null=True),
        integer("priority"),
        text("skills"),
        integer("arrived_utc_us"),
        integer("queued_utc_us", null=True),
        integer("answered_utc_us", null=True),
        integer("ended_utc_us", null=True),
        text("disposition", null=True),
        text("reason", null=True),
        text("served_by", null=True),
        text("agent_id", null=True),
        text("handoff_id", null=True),
        integer("waited_ms"),
        integer("talk_ms"),
        integer("hold_ms"),
        integer("wrapup_ms"),
        integer("offer_count"),
        integer("ring_failure_count"),
        integer("transfer_count"),
        flag("is_short"),
        text("business_date"),
        integer("rev"),
        disposition="ANSWERED ABANDONED_IN_IVR ABANDONED_IN_QUEUE ABANDONED_RINGING VOICEMAIL CALLBACK "
        "TIMED_OUT NO_AGENTS AFTER_HOURS REJECTED FAILED",
    )
    capture("calls")
    op.create_index("calls_business_date", "calls", ["business_date", "call_id"])
    index_some("calls_customer_id", "calls", "customer_id", "customer_id IS NOT NULL")
    create(
        "handoffs",
        text("site_id", key=True),
        text("handoff_id", key=True),
        text("role"),
        text("peer"),
        text("stage"),
        text("call_id", null=True),
        text("queue_id", null=True),
        text("agent_id", null=True),
        text("rule", null=True),
        text("reason", null=True),
        integer("began_utc_us"),
        integer("reserved_utc_us", null=True),
        integer("dialed_utc_us", null=True),
        integer("rang_utc_us", null=True),
        integer("connected_utc_us", null=True),
        integer("confirmed_utc_us", null=True),
        integer("ended_utc_us", null=True),
        integer("talk_ms"),
        integer("wrapup_ms"),
        text("business_date"),
        integer("rev"),
        role="ORIGIN HELPER",
        stage="ASKED RESERVED DIALED RANG CONNECTED ENDED REFUSED EXPIRED CANCELLED",
    )
    capture("handoffs")
    op.create_index("handoffs_business_date", "handoffs", ["business_date", "handoff_id"])
    create(
        "agent_sessions",
        text("site_id", key=True),
        integer("login_seq", key=True),
        text("agent_id"),
        text("skills"),
        integer("login_utc_us"),
        integer("logout_utc_us", null=True),
        text("business_date"),
        integer("rev"),
    )
    capture("agent_sessions")
    op.create_index("agent_sessions_business_date", "agent_sessions", ["business_date", "login_seq"])
    create(
        "agent_states",
        text("site_id", key=True),
        integer("from_seq", key=True),
        text("agent_id"),
        text("state"),
        text("reason", null=True),
        integer("from_utc_us"),
        integer("to_utc_us", null=True),
        integer("duration_ms", null=True),
        text("business_date"),
        integer("rev"),
        state="LOGGED_OUT NOT_READY READY RESERVED RINGING TALKING ON_HOLD WRAP_UP UNREACHABLE MISSED",
    )
    capture("agent_states")
    op.create_index("agent_states_business_date", "agent_states", ["business_date", "from_seq"])
    create(
        "callers",
        text("site_id", key=True),
        text("call_id", key=True),
        text("number", null=True),
        text("dialled"),
        text("business_date"),
        integer("rev"),
    )
    capture("callers")
    op.create_index("callers_business_date", "callers", ["business_date", "call_id"])
    create(
        "callbacks",
        text("site_id", key=True),
        text("call_id", key=True),
        text("queue_id"),
        integer("requested_utc_us"),
        text("business_date"),
        integer("rev"),
    )
    capture("callbacks")
    op.create_index("callbacks_business_date", "callbacks", ["business_date", "call_id"])
    create(
        "voicemails",
        text("site_id", key=True),
        text("call_id", key=True),
        text("queue_id"),
        integer("left_utc_us"),
        text("business_date"),
        integer("rev"),
    )
    capture("voicemails")
    op.create_index("voicemails_business_date", "voicemails", ["business_date", "call_id"])
    create(
        "incarnations",
        text("site_id", key=True),
        integer("incarnation"),
    )
    create(
        "revisions",
        text("site_id", key=True),
        integer("rev"),
    )


def create_people() -> None:
    create(
        "agents",
        text("site_id", key=True),
        text("agent_id", key=True),
        text("name"),
        text("skills"),
        text("business_date"),
        integer("rev"),
    )
    capture("agents")
    op.create_index("agents_business_date", "agents", ["business_date", "agent_id"])
    create(
        "credentials",
        text("site_id", key=True),
        text("person_id", key=True),
        text("role"),
        text("secret_hash"),
        role="AGENT SUPERVISOR ADMIN",
    )
    create(
        "customers",
        text("site_id", key=True),
        text("customer_id", key=True),
        text("name"),
        text("customer_class"),
        text("region", null=True),
        text("business_date"),
        integer("rev"),
        customer_class="STANDARD VIP",
    )
    capture("customers")
    op.create_index("customers_business_date", "customers", ["business_date", "customer_id"])
    create(
        "customer_numbers",
        text("site_id", key=True),
        text("number", key=True),
        text("customer_id"),
        text("business_date"),
        integer("rev"),
    )
    capture("customer_numbers")
    op.create_index("customer_numbers_business_date", "customer_numbers", ["business_date", "number"])
    op.create_index("customer_numbers_customer_id", "customer_numbers", ["customer_id"])
    create(
        "queue_policies",
        text("site_id", key=True),
        text("queue_id", key=True),
        integer("version", key=True),
        text("settings"),
        text("managed_by"),
        flag("is_removed"),
        integer("applied_utc_us"),
        text("business_date"),
        integer("rev"),
        managed_by="SITE HQ",
    )
    capture("queue_policies")
    op.create_index(
        "queue_policies_business_date", "queue_policies", ["business_date", "queue_id", "version"]
    )


def create_journal() -> None:
    create(
        "tombstones",
        text("site_id", key=True),
        text("stream", key=True),
        text("row_key", key=True),
        text("removal"),
        text("business_date"),
        integer("rev"),
        removal="DELETED ERASED PRUNED",
    )
    capture("tombstones")
    op.create_index("tombstones_business_date", "tombstones", ["business_date"])
    create(
        "epochs",
        text("site_id", key=True),
        integer("epoch", key=True),
        text("instance"),
        integer("began_utc_us"),
        text("reason"),
    )
    create(
        "watermarks",
        text("site_id", key=True),
        text("stream", key=True),
        integer("epoch"),
        integer("xid"),
        integer("rev"),
        octets("nonce"),
        octets("chain"),
    )
    create(
        "certified_days",
        text("site_id", key=True),
        text("business_date", key=True),
        integer("issue"),
        integer("row_count"),
        octets("digest"),
        integer("certified_utc_us"),
    )
