"""The messages about outages, found by the beginning of their keys.

Indexes of messages come before what locks other tables: PostgreSQL holds a lock until the end.
"""

import sqlalchemy as sa
from alembic import op

revision = "messages_of_outages"
down_revision = "rentals_taken"
branch_labels = None
depends_on = None

_OF_OUTAGES = sa.text("key LIKE 'outage:%' OR key LIKE 'drift:%'")


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_messages_of_outages", "messages", ["key"], unique=False,
        sqlite_where=_OF_OUTAGES, postgresql_where=_OF_OUTAGES,
        postgresql_ops={"key": "text_pattern_ops"},
    )  # fmt: skip


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_messages_of_outages", table_name="messages")
