"""Let a message belong into the thread of another one."""

import sqlalchemy as sa
from alembic import op

revision = "messages_in_threads"
down_revision = "rentals_missing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave those that are there where they belong."""
    op.add_column("messages", sa.Column("reply_to", sa.Text()))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("messages", "reply_to")
