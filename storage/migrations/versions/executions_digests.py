"""By what the secrets of a request are known again once they are erased."""

import sqlalchemy as sa
from alembic import op

revision = "executions_digests"
down_revision = "rentals_told_again"
branch_labels = None
depends_on = None

_HAS_ONE = sa.text("digest <> ''")


def upgrade() -> None:
    """Add the column; of what a replica of the version before writes, nobody can tell."""
    op.add_column("executions", sa.Column("digest", sa.Text, nullable=True))
    op.create_index(
        "ix_executions_digests", "executions", ["finished_at"], unique=False,
        sqlite_where=_HAS_ONE, postgresql_where=_HAS_ONE,
    )  # fmt: skip


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_executions_digests", table_name="executions")
    op.drop_column("executions", "digest")
