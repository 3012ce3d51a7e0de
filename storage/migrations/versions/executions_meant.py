"""What the names of a command meant when it was acknowledged."""

import sqlalchemy as sa
from alembic import op

revision = "executions_meant"
down_revision = "machines_turning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of what a replica of the version before writes, nothing is known."""
    op.add_column("executions", sa.Column("meant", sa.JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("executions", "meant")
