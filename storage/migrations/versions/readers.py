"""Remember the languages of people and channels."""

import sqlalchemy as sa
from alembic import op

revision = "readers"
down_revision = "messages_of_older"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "readers",
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("about", "id", name=op.f("pk_readers")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("readers")
