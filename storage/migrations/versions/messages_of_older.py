"""Find what replicas of an older version leave: copies they do not name, joint ends given up."""

import sqlalchemy as sa
from alembic import op

revision = "messages_of_older"
down_revision = "known_versions"
branch_labels = None
depends_on = None

_UNNAMED = sa.text("copy_of IS NULL AND key LIKE '%:%:%'")
_GIVEN_UP = sa.text("abandoned >= version AND delivered < version")


def upgrade() -> None:
    """Make two indexes, which stay nearly empty."""
    _index("ix_messages_unnamed_copies", _UNNAMED)
    _index("ix_messages_given_up", _GIVEN_UP)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_messages_given_up", table_name="messages")
    op.drop_index("ix_messages_unnamed_copies", table_name="messages")


def _index(name: str, where: sa.TextClause) -> None:
    op.create_index(
        name, "messages", ["key"], unique=False, sqlite_where=where, postgresql_where=where,
        postgresql_ops={"key": "text_pattern_ops"},
    )  # fmt: skip
