"""What was last read of each machine, sealed: it has the machine's passwords."""

import sqlalchemy as sa
from alembic import op

revision = "machine_details"
down_revision = "messages_unsettled"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "machine_details",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("node", "task", "owner", name=op.f("pk_machine_details")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("machine_details")
