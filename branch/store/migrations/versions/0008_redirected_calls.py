"""Calls that were sent on to another site before anybody had answered: one more ending."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DISPOSITIONS = (
    "ANSWERED",
    "ABANDONED_IN_IVR",
    "ABANDONED_IN_QUEUE",
    "ABANDONED_RINGING",
    "VOICEMAIL",
    "CALLBACK",
    "TIMED_OUT",
    "NO_AGENTS",
    "AFTER_HOURS",
    "REJECTED",
    "REDIRECTED",
    "FAILED",
)
CHECK = "calls_disposition_check"


def integer(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def is_among() -> str:
    listed = ", ".join(repr(word) for word in DISPOSITIONS)
    return f"disposition IN ({listed})"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(CHECK, "calls")
        op.create_check_constraint(CHECK, "calls", is_among())
    else:
        write_anew()


def write_anew() -> None:
    """SQLite changes no check of a table that is there."""
    for index in ("calls_rev", "calls_business_date", "calls_customer_id"):
        op.drop_index(index)
    op.rename_table("calls", "calls_before")
    op.create_table(
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
        sa.Column("is_short", sa.Boolean(), nullable=False),
        text("business_date"),
        integer("rev"),
        sa.CheckConstraint(is_among(), name=CHECK),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO calls SELECT * FROM calls_before")
    op.drop_table("calls_before")
    op.create_index("calls_rev", "calls", ["rev"])
    op.create_index("calls_business_date", "calls", ["business_date", "call_id"])
    is_known = sa.text("customer_id IS NOT NULL")
    op.create_index("calls_customer_id", "calls", ["customer_id"], sqlite_where=is_known)
