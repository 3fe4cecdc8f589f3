"""The branches' recordings: what was recorded, and until when a file is kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

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
        integer("epoch"),
        sqlite_with_rowid=False,
    )
    op.create_index("recordings_day", "recordings", ["site_id", "business_date"])
