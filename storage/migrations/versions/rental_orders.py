"""Rentals as they were last read from the chain, and the wallets whose rentals are watched."""

import sqlalchemy as sa
from alembic import op

revision = "rental_orders"
down_revision = "freezes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "rental_orders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("renter", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("gpus", sa.JSON(), nullable=False),
        sa.Column("stake", sa.Text(), nullable=False),
        sa.Column("seen_block", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_block", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("renewer", sa.Text(), nullable=False),
        sa.Column("snoozed", sa.Boolean(), nullable=False),
        sa.Column("is_only", sa.Boolean(), nullable=False),
        sa.Column("leased_by", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rental_orders")),
    )
    op.create_index("ix_rental_orders_phase_next_look_at", "rental_orders", ["phase", "next_look_at"])
    op.create_index("ix_rental_orders_node", "rental_orders", ["node"])
    op.create_index(
        "ix_rental_orders_leased_by",
        "rental_orders",
        ["leased_by"],
        sqlite_where=sa.text("leased_by IS NOT NULL"),
        postgresql_where=sa.text("leased_by IS NOT NULL"),
    )
    op.create_table(
        "watched_wallets",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("wallet", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user", "wallet", name=op.f("pk_watched_wallets")),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("watched_wallets")
    op.drop_index("ix_rental_orders_leased_by", "rental_orders")
    op.drop_index("ix_rental_orders_node", "rental_orders")
    op.drop_index("ix_rental_orders_phase_next_look_at", "rental_orders")
    op.drop_table("rental_orders")
