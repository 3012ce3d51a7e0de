"""Keep what a line said that was not understood, for the buttons that its answer offers."""

import sqlalchemy as sa
from alembic import op

revision = "suggestions"
down_revision = "names_since"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "suggestions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestions")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("suggestions")
