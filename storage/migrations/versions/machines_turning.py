"""When it was told lately that a machine changed outside the bot: what comes and goes is damped."""

import sqlalchemy as sa
from alembic import op

revision = "machines_turning"
down_revision = "approvals_by_beginning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Begin with none."""
    op.add_column("kept_machines", sa.Column("turns", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("kept_machines", "turns")
