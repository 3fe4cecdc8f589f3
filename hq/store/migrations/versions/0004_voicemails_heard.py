"""Who has heard a message, and when: nobody, of those left before."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE voicemails ADD COLUMN heard_utc_us BIGINT")
    op.execute("ALTER TABLE voicemails ADD COLUMN heard_by TEXT")
