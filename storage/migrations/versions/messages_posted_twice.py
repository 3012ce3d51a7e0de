"""Tell a message that may have been posted twice from one of which only an old edit may come."""

import sqlalchemy as sa
from alembic import op

revision = "messages_posted_twice"
down_revision = "executions_finished"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Look for copies of all that is looked at already."""
    column: sa.Column[bool] = sa.Column("posted_twice", sa.Boolean(), nullable=False, server_default=sa.true())
    op.add_column("messages", column)


def downgrade() -> None:
    """Forget it: copies of all are looked for."""
    op.drop_column("messages", "posted_twice")
