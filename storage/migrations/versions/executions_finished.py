"""Find what ended lately among all that has ended."""

from alembic import op

revision = "executions_finished"
down_revision = "approvals_changed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    name = op.f("ix_executions_status_finished_at")
    op.create_index(name, "executions", ["status", "finished_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index(op.f("ix_executions_status_finished_at"), table_name="executions")
