"""What a restored backup held open, in a column: among facts, one damaged row hid all others."""

import sqlalchemy as sa
from alembic import op

revision = "executions_put_back"
down_revision = "executions_digests"
branch_labels = None
depends_on = None

_OPEN = "running", "following"
_FORMER = '"put back": "{}"'  # among the facts, as both databases keep them


def upgrade() -> None:
    """Add the column and fill it from the facts of what is open, as text whatever it is."""
    op.add_column(
        "executions", sa.Column("put_back", sa.Text, nullable=False, server_default="")
    )
    executions = sa.table(
        "executions", *(sa.column(name, sa.Text) for name in ("facts", "put_back", "status"))
    )
    facts = sa.cast(executions.c.facts, sa.Text)
    for status in ("recorded", "waiting"):
        op.execute(
            executions.update()
            .where(executions.c.status.in_(_OPEN), facts.contains(_FORMER.format(status)))
            .values(put_back=status)
        )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("executions", "put_back")
