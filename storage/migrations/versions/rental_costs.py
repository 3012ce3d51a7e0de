"""What rentals cost, which machines used them, and when blocks were made."""

import sqlalchemy as sa
from alembic import op

revision = "rental_costs"
down_revision = "messages_in_threads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "order_payments",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.BigInteger(), nullable=False),
        sa.Column("planck", sa.Text(), nullable=False),
        sa.Column("micro", sa.BigInteger(), nullable=False),
        sa.Column("is_usd_exact", sa.Boolean(), nullable=False),
        sa.Column("avg_price", sa.BigInteger(), nullable=False),
        sa.Column("fee", sa.Text(), nullable=False),
        sa.Column("block", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "begins", name=op.f("pk_order_payments")),
    )
    op.create_table(
        "machine_uses",
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "task", "begins", name=op.f("pk_machine_uses")),
    )
    op.create_index("ix_machine_uses_ends", "machine_uses", ["ends"])
    op.create_table(
        "block_times",
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("block", name=op.f("pk_block_times")),
    )
    op.create_index("ix_block_times_made_ms", "block_times", ["made_ms"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("block_times")
    op.drop_table("machine_uses")
    op.drop_table("order_payments")
