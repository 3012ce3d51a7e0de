"""Whose sessions have shown a machine that is kept."""

import sqlalchemy as sa
from alembic import op

revision = "kept_owners"
down_revision = "outages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "kept_owners",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", "task", "owner", name=op.f("pk_kept_owners")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("kept_owners")
