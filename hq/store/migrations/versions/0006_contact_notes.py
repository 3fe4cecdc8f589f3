"""Notes on contacts, as the branches have them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def integer(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def upgrade() -> None:
    op.create_table(
        "contact_notes",
        text("site_id", key=True),
        text("note_id", key=True),
        text("call_id"),
        text("customer_id", null=True),
        text("author"),
        integer("written_utc_us"),
        text("note"),
        text("business_date"),
        integer("rev"),
        integer("epoch"),
        sqlite_with_rowid=False,
    )
    op.create_index("contact_notes_day", "contact_notes", ["site_id", "business_date"])
