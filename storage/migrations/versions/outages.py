"""Nodes that keep silent, and machines as they were left."""

import sqlalchemy as sa
from alembic import op

revision = "outages"
down_revision = "streams"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "silences",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("episode", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node", name=op.f("pk_silences")),
    )
    texts = ("owner", "label", "status", "suspect", "before", "episode", "size", "port")
    op.create_table(
        "kept_machines",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in (*texts, "port_episode")),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in ("suspect_at", "size_at")),
        sa.PrimaryKeyConstraint("node", "task", name=op.f("pk_kept_machines")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("kept_machines")
    op.drop_table("silences")
