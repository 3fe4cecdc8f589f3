"""Notes on contacts."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from sync.records.postgres import capture_statements

revision = "0007"
down_revision = "0006"
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
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for statement in capture_statements("contact_notes"):
            op.execute(statement)
    else:
        op.create_index("contact_notes_rev", "contact_notes", ["rev"])
    op.create_index("contact_notes_business_date", "contact_notes", ["business_date", "note_id"])
    op.create_index("contact_notes_call_id", "contact_notes", ["call_id"])
    where = sa.text("customer_id IS NOT NULL")
    op.create_index(
        "contact_notes_customer_id",
        "contact_notes",
        ["customer_id"],
        sqlite_where=where,
        postgresql_where=where,
    )
