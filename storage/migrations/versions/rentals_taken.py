"""Since when somebody renews a rental, and who said that they have signed its transaction."""

import sqlalchemy as sa
from alembic import op

revision = "rentals_taken"
down_revision = "executions_meant"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; of what was said before, the time is not known."""
    op.add_column("rental_orders", sa.Column("renewer_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "rental_orders", sa.Column("signers", sa.Text(), nullable=False, server_default="")
    )
    op.add_column("rental_orders", sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in ("signed_at", "signers", "renewer_since"):
        op.drop_column("rental_orders", name)
