"""What the newest block has of a rental, and what was told of it while the chain stood still."""

import sqlalchemy as sa
from alembic import op

revision = "rentals_by_newest_block"
down_revision = "rentals_on_cards"
branch_labels = None
depends_on = None

_COLUMNS = ("newest_ends", "halts", "is_told_unread")


def upgrade() -> None:
    """Add the columns, which lock their table."""
    newest: sa.Column[int] = sa.Column("newest_ends", sa.BigInteger(), nullable=False, server_default="0")
    halts: sa.Column[int] = sa.Column("halts", sa.Integer(), nullable=False, server_default="0")
    unread: sa.Column[bool] = sa.Column("is_told_unread", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("rental_orders", newest)
    op.add_column("rental_orders", halts)
    op.add_column("rental_orders", unread)


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_COLUMNS):
        op.drop_column("rental_orders", name)
