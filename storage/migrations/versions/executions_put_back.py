"""What a restored backup held open, in a column: among facts, one damaged row hid all others."""

from itertools import product

import sqlalchemy as sa
from alembic import op

revision = "executions_put_back"
down_revision = "executions_digests"
branch_labels = None
depends_on = None

# What is open or still looked for; and, for the breaker, what destroys: each found by an index.
_SOUGHT = (
    sa.text("status IN ('running', 'following', 'unknown')"),
    sa.text("effect = 3 AND started_at IS NOT NULL"),
)
_FORMER = '"put back": "{}"'  # among the facts, as both databases keep them


def upgrade() -> None:
    """Add the column and fill it from the facts, as text whatever they are."""
    op.add_column(
        "executions", sa.Column("put_back", sa.Text, nullable=False, server_default="")
    )
    executions = sa.table(
        "executions", *(sa.column(name, sa.Text) for name in ("facts", "put_back"))
    )
    facts = sa.cast(executions.c.facts, sa.Text)
    for sought, status in product(_SOUGHT, ("recorded", "waiting")):
        op.execute(
            executions.update()
            .where(sought, facts.contains(_FORMER.format(status)))
            .values(put_back=status)
        )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("executions", "put_back")
