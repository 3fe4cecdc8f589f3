"""Where agents are reached beside their phones."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "agent_places",
        sa.Column("site_id", sa.Text(), primary_key=True),
        sa.Column("agent_id", sa.Text(), primary_key=True),
        sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("ring_limit_ms", sa.BigInteger(), nullable=True),
        sqlite_with_rowid=False,
    )
