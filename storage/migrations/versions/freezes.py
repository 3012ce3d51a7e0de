"""Remember that changes are frozen, and find what was destroyed lately."""

import sqlalchemy as sa
from alembic import op

revision = "freezes"
down_revision = "readers"
branch_labels = None
depends_on = None

_DESTROYS = sa.text("effect = 3")


def upgrade() -> None:
    """Make the table, and the index."""
    op.create_table(
        "freezes",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_freezes")),
    )
    op.create_index(
        "ix_executions_destroying",
        "executions",
        ["started_at"],
        sqlite_where=_DESTROYS,
        postgresql_where=_DESTROYS,
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("ix_executions_destroying", table_name="executions")
    op.drop_table("freezes")
