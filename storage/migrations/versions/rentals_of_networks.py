"""Of which network a rental is: another one counts its blocks and orders by itself."""

import sqlalchemy as sa
from alembic import op

revision = "rentals_of_networks"
down_revision = "messages_held"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave open what was never noted."""
    op.add_column("rental_orders", sa.Column("chain", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget it."""
    op.drop_column("rental_orders", "chain")
