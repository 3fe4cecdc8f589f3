"""Recordings: what was recorded, and until when its file is kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync.records.postgres import capture_statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def integer(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=null, autoincrement=False)


def text(name: str, *, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=False)


def upgrade() -> None:
    op.create_table(
        "recordings",
        text("site_id", key=True),
        text("recording_id", key=True),
        text("call_id"),
        text("agent_id"),
        text("queue_id"),
        integer("started_utc_us"),
        integer("ended_utc_us", null=True),
        integer("duration_ms", null=True),
        text("retained_until"),
        integer("pruned_utc_us", null=True),
        text("business_date"),
        integer("rev"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in capture_statements("recordings"):
            op.execute(statement)
    else:
        op.create_index("recordings_rev", "recordings", ["rev"])
    op.create_index("recordings_business_date", "recordings", ["business_date", "recording_id"])
    kept = sa.text("pruned_utc_us IS NULL")
    op.create_index(
        "recordings_kept", "recordings", ["retained_until"], sqlite_where=kept, postgresql_where=kept
    )
