"""Remember what the rules demand of a question since they were replaced."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_changed"
down_revision = "messages_copied"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the sentence; nothing has changed for what is open."""
    op.add_column("approvals", sa.Column("changed", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("approvals", "changed")
