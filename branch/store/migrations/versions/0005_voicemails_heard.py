"""Who has heard a message, and when: nobody, of those left before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE voicemails ADD COLUMN heard_utc_us BIGINT")
    op.execute("ALTER TABLE voicemails ADD COLUMN heard_by TEXT")
    unheard = sa.text("heard_utc_us IS NULL")
    op.create_index(
        "voicemails_unheard",
        "voicemails",
        ["left_utc_us"],
        sqlite_where=unheard,
        postgresql_where=unheard,
    )
