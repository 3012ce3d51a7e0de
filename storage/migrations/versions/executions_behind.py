"""What a change of a machine waits for."""

import sqlalchemy as sa
from alembic import op

revision = "executions_behind"
down_revision = "rentals_of_networks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a replica of the version before writes rows that wait for nothing."""
    op.add_column("executions", sa.Column("behind", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("executions", "behind")
