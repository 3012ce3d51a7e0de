"""Since which block the chain has a rental no more that should still be there."""

import sqlalchemy as sa
from alembic import op

revision = "rentals_missing"
down_revision = "access_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("rental_orders", sa.Column("missing_since", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("rental_orders", "missing_since")
