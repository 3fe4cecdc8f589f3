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
    """Order the table's changes, and find those of a day."""
    op.create_index(f"{table}_business_date", table, ["business_date"])
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
    create(
        "customer_numbers",
        text("site_id", key=True),
        text("number", key=True),
        text("customer_id"),
        text("business_date"),
        integer("rev"),
    )
    capture("customer_numbers")
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
