"""One index of all messages that the outbox may have to deliver."""

import sqlalchemy as sa
from alembic import op

revision = "messages_outstanding"
down_revision = "machine_details"
branch_labels = None
depends_on = None

_UNDELIVERED = sa.text("delivered < version")
_UNSETTLED = sa.text("unsettled_until IS NOT NULL")
_OUTSTANDING = sa.text("delivered < version OR unsettled_until IS NOT NULL")


def upgrade() -> None:
    """Replace the two indexes, neither of which served the outbox's question."""
    op.drop_index("ix_messages_unsettled", table_name="messages")
    op.drop_index("ix_messages_undelivered", table_name="messages")
    _index("ix_messages_outstanding", "next_try_at", _OUTSTANDING)


def downgrade() -> None:
    """Make the two again."""
    op.drop_index("ix_messages_outstanding", table_name="messages")
    _index("ix_messages_undelivered", "next_try_at", _UNDELIVERED)
    _index("ix_messages_unsettled", "unsettled_until", _UNSETTLED)


def _index(name: str, column: str, where: sa.TextClause) -> None:
    op.create_index(
        name, "messages", [column], unique=False, sqlite_where=where, postgresql_where=where
    )
