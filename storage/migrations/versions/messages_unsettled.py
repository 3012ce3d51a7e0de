"""Remember until when Slack may still carry out a message that it did not answer."""

import sqlalchemy as sa
from alembic import op

revision = "messages_unsettled"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "messages", sa.Column("unsettled_until", sa.DateTime(timezone=True), nullable=True)
    )
    there = sa.text("unsettled_until IS NOT NULL")
    op.create_index(
        "ix_messages_unsettled",
        "messages",
        ["unsettled_until"],
        unique=False,
        sqlite_where=there,
        postgresql_where=there,
    )


def downgrade() -> None:
    op.drop_index("ix_messages_unsettled", table_name="messages")
    op.drop_column("messages", "unsettled_until")
