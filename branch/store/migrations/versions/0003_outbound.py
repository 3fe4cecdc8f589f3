"""Callbacks that are made, calls that go out, and lines lent to other sites."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync.records.postgres import capture_statements

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


def captured(table: str, *columns: sa.Column[Any]) -> None:
    """Create a consolidated table; `rev`, and on PostgreSQL `xid`, order its changes."""
    key = columns[1].name
    op.create_table(
        table,
        *columns,
        text("business_date"),
        integer("rev"),
        among(table, OUTBOUND_OUTCOMES),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in capture_statements(table):
            op.execute(statement)
    else:
        op.create_index(f"{table}_rev", table, ["rev"])
    op.create_index(f"{table}_business_date", table, ["business_date", key])


def open_only(name: str, table: str, column: str, end: str) -> None:
    """A restart looks for the few that are open."""
    where = sa.text(f"{end} IS NULL")
    op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


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
    open_only("callbacks_open", "callbacks", "call_id", "done_utc_us")


def create_outbound_calls() -> None:
    captured(
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
    open_only("outbound_calls_open", "outbound_calls", "call_id", "ended_utc_us")


def create_line_loans() -> None:
    captured(
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
    open_only("line_loans_open", "line_loans", "handoff_id", "returned_utc_us")
