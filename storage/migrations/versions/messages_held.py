"""Hold messages back during the quiet hours of who is told them."""

import sqlalchemy as sa
from alembic import op

revision = "messages_held"
down_revision = "rental_costs"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Hold back none of those that are there."""
    op.add_column("messages", sa.Column("held_until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Hold back nothing."""
    op.drop_column("messages", "held_until")
