"""Find an approval by the beginning of its id."""

from alembic import op

revision = "approvals_by_beginning"
down_revision = "kept_owners"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_approvals_id", "approvals", ["id"], unique=False,
        postgresql_ops={"id": "text_pattern_ops"},
    )  # fmt: skip


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_approvals_id", table_name="approvals")
