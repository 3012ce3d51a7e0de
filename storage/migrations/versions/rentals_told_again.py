"""Warnings of rentals that did not name yet what is lost; and all messages of a rental, found."""

import sqlalchemy as sa
from alembic import op

revision = "rentals_told_again"
down_revision = "messages_of_outages"
branch_labels = None
depends_on = None

_OF_ORDERS = sa.text("key LIKE 'order:%'")


def upgrade() -> None:
    """Add an index of the messages about rentals, and the columns, which lock their table."""
    op.create_index(
        "ix_messages_of_orders", "messages", ["key"], unique=False,
        sqlite_where=_OF_ORDERS, postgresql_where=_OF_ORDERS,
        postgresql_ops={"key": "text_pattern_ops"},
    )  # fmt: skip
    op.add_column("rental_orders", sa.Column("vague", sa.Text(), nullable=False, server_default=""))
    op.add_column("rental_orders", sa.Column("vague_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_messages_of_orders", table_name="messages")
    for name in ("vague_since", "vague"):
        op.drop_column("rental_orders", name)
