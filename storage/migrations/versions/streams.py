"""How far the audit has been passed on."""

import sqlalchemy as sa
from alembic import op

revision = "streams"
down_revision = "executions_behind"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "streams",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("leased_by", sa.Text),
        sa.Column("leased_until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_streams")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("streams")
