"""Shares that end by themselves, and requests for access."""

import sqlalchemy as sa
from alembic import op

revision = "access_requests"
down_revision = "rental_orders"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, make the table."""
    op.add_column("session_shares", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "session_shares",
        sa.Column("warned", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_table(
        "access_requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asker", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("holders", sa.JSON(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_requests")),
    )
    op.create_index(
        "ix_access_requests_open",
        "access_requests",
        ["asker", "node"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    """Drop them; what was to end by itself is not shared for ever."""
    op.drop_index("ix_access_requests_open", "access_requests")
    op.drop_table("access_requests")
    op.execute("DELETE FROM session_shares WHERE ends_at IS NOT NULL")
    op.drop_column("session_shares", "warned")
    op.drop_column("session_shares", "ends_at")
