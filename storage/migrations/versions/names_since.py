"""Remember since when something has its nickname, and who gave it."""

import sqlalchemy as sa
from alembic import op

revision = "names_since"
down_revision = "messages_outstanding"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("names", sa.Column("since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("names", sa.Column("given_by", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("names", "given_by")
    op.drop_column("names", "since")
