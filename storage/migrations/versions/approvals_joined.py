"""Remember who else has requested what a question waits for, and why."""

import sqlalchemy as sa
from alembic import op

revision = "approvals_joined"
down_revision = "executions_put_back"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the list; nobody has joined what is open, as far as is known."""
    op.add_column("approvals", sa.Column("joined", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("approvals", "joined")
