"""Return visits: answered callers who are called again."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync.records.postgres import capture_statements

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TRY_OUTCOMES = (
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
OUTCOMES = ("REACHED", "NOT_REACHED", "NO_NUMBER", "NOT_ALLOWED", "REMOVED")


def integer(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def among(column: str, words: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(repr(word) for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"return_visits_{column}_check")


def upgrade() -> None:
    op.create_table(
        "return_visits",
        text("site_id", key=True),
        text("call_id", key=True),
        text("customer_id", null=True),
        text("queue_id"),
        text("agent_id", null=True),
        integer("called_utc_us"),
        text("due_date"),
        integer("try_count"),
        text("outbound_id", null=True),
        integer("tried_utc_us", null=True),
        text("last_outbound_id", null=True),
        text("last_outcome", null=True),
        integer("done_utc_us", null=True),
        text("outcome", null=True),
        text("business_date"),
        integer("rev"),
        among("last_outcome", TRY_OUTCOMES),
        among("outcome", OUTCOMES),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in capture_statements("return_visits"):
            op.execute(statement)
    else:
        op.create_index("return_visits_rev", "return_visits", ["rev"])
    op.create_index("return_visits_business_date", "return_visits", ["business_date", "call_id"])
    # Who is on the list is looked for all day; who was, once in a while.
    where = sa.text("done_utc_us IS NULL")
    op.create_index(
        "return_visits_open", "return_visits", ["due_date"], sqlite_where=where, postgresql_where=where
    )
