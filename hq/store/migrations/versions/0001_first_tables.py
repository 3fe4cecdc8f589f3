"""The first schema: the branches' records under their own keys, and what HQ knows of sites and days."""

from typing import Any

import sqlalchemy as sa
from alembic import op

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


def received(table: str, *columns: sa.Column[Any], **choices: str) -> None:
    """Create a branch's table, with each row's version, and find the rows of a site's day."""
    create(table, *columns, text("business_date"), integer("rev"), integer("epoch"), **choices)
    op.create_index(f"{table}_day", table, ["site_id", "business_date"])


def upgrade() -> None:
    create_received()
    create_own()


def create_received() -> None:
    received(
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
    )
    op.create_index("ledger_call_id", "ledger", ["site_id", "call_id"])
    op.create_index("ledger_handoff_id", "ledger", ["site_id", "handoff_id"])
    received(
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
        disposition=(
            "ANSWERED ABANDONED_IN_IVR ABANDONED_IN_QUEUE ABANDONED_RINGING VOICEMAIL CALLBACK "
            "TIMED_OUT NO_AGENTS AFTER_HOURS REJECTED FAILED"
        ),
    )
    received(
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
        role="ORIGIN HELPER",
        stage="ASKED RESERVED DIALED RANG CONNECTED ENDED REFUSED EXPIRED CANCELLED",
    )
    received(
        "agents",
        text("site_id", key=True),
        text("agent_id", key=True),
        text("name"),
        text("skills"),
    )
    received(
        "agent_sessions",
        text("site_id", key=True),
        integer("login_seq", key=True),
        text("agent_id"),
        text("skills"),
        integer("login_utc_us"),
        integer("logout_utc_us", null=True),
    )
    received(
        "agent_states",
        text("site_id", key=True),
        integer("from_seq", key=True),
        text("agent_id"),
        text("state"),
        text("reason", null=True),
        integer("from_utc_us"),
        integer("to_utc_us", null=True),
        integer("duration_ms", null=True),
        state="LOGGED_OUT NOT_READY READY RESERVED RINGING TALKING ON_HOLD WRAP_UP UNREACHABLE MISSED",
    )
    received(
        "customers",
        text("site_id", key=True),
        text("customer_id", key=True),
        text("name"),
        text("customer_class"),
        text("region", null=True),
        customer_class="STANDARD VIP",
    )
    received(
        "customer_numbers",
        text("site_id", key=True),
        text("number", key=True),
        text("customer_id"),
    )
    received(
        "callers",
        text("site_id", key=True),
        text("call_id", key=True),
        text("number", null=True),
        text("dialled"),
    )
    received(
        "callbacks",
        text("site_id", key=True),
        text("call_id", key=True),
        text("queue_id"),
        integer("requested_utc_us"),
    )
    received(
        "voicemails",
        text("site_id", key=True),
        text("call_id", key=True),
        text("queue_id"),
        integer("left_utc_us"),
    )
    received(
        "queue_policies",
        text("site_id", key=True),
        text("queue_id", key=True),
        integer("version", key=True),
        text("settings"),
        text("managed_by"),
        flag("is_removed"),
        integer("applied_utc_us"),
        managed_by="SITE HQ",
    )


def create_own() -> None:
    create(
        "business_days",
        text("site_id", key=True),
        text("business_date", key=True),
        text("state"),
        integer("issue"),
        integer("attempt_count"),
        integer("last_attempt_utc_us", null=True),
        text("last_problem", null=True),
        state="DUE CERTIFIED",
    )
    op.create_index("business_days_state", "business_days", ["state", "business_date"])
    create(
        "certificates",
        text("site_id", key=True),
        text("business_date", key=True),
        integer("issue", key=True),
        integer("epoch"),
        integer("row_count"),
        integer("quarantined_count"),
        integer("folded_count"),
        octets("digest"),
        text("stream_counts"),
        flag("is_day_over"),
        integer("certified_utc_us"),
    )
    create(
        "quarantine",
        text("site_id", key=True),
        text("stream", key=True),
        text("row_key", key=True),
        text("reason"),
        text("problem"),
        text("business_date"),
        integer("epoch"),
        integer("rev"),
        octets("packed_row"),
        integer("at_utc_us"),
        reason="REFUSED ORPHANED_BY_RESTORE",
    )
    op.create_index("quarantine_day", "quarantine", ["site_id", "business_date"])
    create(
        "sites",
        text("site_id", key=True),
        text("address"),
        text("time_zone"),
        text("parent", null=True),
        text("state"),
        text("frozen_reason", null=True),
        text("frozen_detail", null=True),
        integer("epoch"),
        text("first_business_date"),
        integer("last_success_utc_us", null=True),
        state="ACTIVE FROZEN READMITTED",
    )
    create(
        "tombstones",
        text("site_id", key=True),
        text("stream", key=True),
        text("row_key", key=True),
        text("removal"),
        text("business_date"),
        integer("epoch"),
        integer("rev"),
    )
    op.create_index("tombstones_day", "tombstones", ["site_id", "business_date"])
    create(
        "watermarks",
        text("site_id", key=True),
        text("stream", key=True),
        integer("epoch"),
        octets("marks"),
        integer("row_count"),
    )
