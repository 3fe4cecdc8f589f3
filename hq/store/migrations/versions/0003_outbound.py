"""Callbacks that are made, calls that go out, and lines lent to other sites, as the branches have them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CALLBACK_OUTCOMES = ("REACHED", "NOT_REACHED", "NO_NUMBER", "NOT_ALLOWED", "QUEUE_REMOVED")
OUTBOUND_OUTCOMES = (
    "ANSWERED",
    "BUSY",
    "NO_ANSWER",
    "FAILED",
    "AGENT_MISSED",
    "AGENT_GAVE_UP",
    "NO_NUMBER",
    "NOT_ALLOWED",
    "NO_LINE",
    "LIMIT",
    "INTERRUPTED",
)


def integer(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def among(table: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(repr(word) for word in words)
    return sa.CheckConstraint(f"outcome IN ({listed})", name=f"{table}_outcome_check")


def received(table: str, *columns: sa.Column[Any]) -> None:
    """Create a branch's table, with each row's version, and find the rows of a site's day."""
    versions = (text("business_date"), integer("rev"), integer("epoch"))
    op.create_table(table, *columns, *versions, among(table, OUTBOUND_OUTCOMES), sqlite_with_rowid=False)
    op.create_index(f"{table}_day", table, ["site_id", "business_date"])


def upgrade() -> None:
    continue_callbacks()
    create_outbound_calls()
    create_line_loans()


def continue_callbacks() -> None:
    """Those asked for before are open: nobody was called back until now."""
    op.execute("ALTER TABLE callbacks ADD COLUMN try_count BIGINT NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE callbacks ADD COLUMN done_utc_us BIGINT")
    listed = ", ".join(repr(word) for word in CALLBACK_OUTCOMES)
    op.execute(
        "ALTER TABLE callbacks ADD COLUMN outcome TEXT "
        f"CONSTRAINT callbacks_outcome_check CHECK (outcome IN ({listed}))"
    )


def create_outbound_calls() -> None:
    received(
        "outbound_calls",
        text("site_id", key=True),
        text("call_id", key=True),
        text("agent_id"),
        text("queue_id"),
        text("callback_of", null=True),
        text("via", null=True),
        text("line_id", null=True),
        text("handoff_id", null=True),
        integer("began_utc_us"),
        integer("dialed_utc_us", null=True),
        integer("answered_utc_us", null=True),
        integer("ended_utc_us", null=True),
        text("outcome", null=True),
        integer("ring_ms"),
        integer("talk_ms"),
        integer("hold_ms"),
        integer("wrapup_ms"),
    )


def create_line_loans() -> None:
    received(
        "line_loans",
        text("site_id", key=True),
        text("handoff_id", key=True),
        text("peer"),
        text("call_id"),
        text("line_id"),
        integer("lent_utc_us"),
        integer("returned_utc_us", null=True),
        text("outcome", null=True),
        integer("talk_ms"),
    )
