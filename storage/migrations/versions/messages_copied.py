"""Remember which messages Slack may show a second time, and when to look for that."""

import sqlalchemy as sa
from alembic import op

revision = "messages_copied"
down_revision = "suggestions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both moments, and an index over the few rows that have them."""
    for name in ("copies_at", "copies_until"):
        op.add_column("messages", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    there = sa.text("copies_at IS NOT NULL")
    op.create_index(
        "ix_messages_copied",
        "messages",
        ["copies_at"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_messages_copied", table_name="messages")
    op.drop_column("messages", "copies_until")
    op.drop_column("messages", "copies_at")
