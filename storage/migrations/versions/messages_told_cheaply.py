"""Find a card's copies and what is due without reading all messages; know what Slack shows."""

import sqlalchemy as sa
from alembic import op

revision = "messages_told_cheaply"
down_revision = "history_indexes"
branch_labels = None
depends_on = None

_OUTSTANDING = sa.text("delivered < version OR unsettled_until IS NOT NULL")
_DUE = sa.text("abandoned < version AND (delivered < version OR unsettled_until IS NOT NULL)")
_IS_COPY = sa.text("copy_of IS NOT NULL")
_IS_JOINED = sa.text("told_in IS NOT NULL")


def upgrade() -> None:
    """Add the columns and replace the index, which also had what was given up."""
    op.add_column("messages", sa.Column("copy_of", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("shown", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "messages",
        sa.Column("can_wait", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("messages", sa.Column("told_in", sa.Text(), nullable=True))
    _fill()
    _index("ix_messages_told_in", "told_in", _IS_JOINED)
    _index("ix_messages_copy_of", "copy_of", _IS_COPY)
    op.drop_index("ix_messages_outstanding", table_name="messages")
    _index("ix_messages_due", "created_at", _DUE)


def downgrade() -> None:
    """Undo it."""
    op.drop_index("ix_messages_due", table_name="messages")
    _index("ix_messages_outstanding", "next_try_at", _OUTSTANDING)
    op.drop_index("ix_messages_copy_of", table_name="messages")
    op.drop_index("ix_messages_told_in", table_name="messages")
    for column in ("told_in", "can_wait", "rests_until", "shown", "copy_of"):
        op.drop_column("messages", column)


def _fill() -> None:
    """Name the message that a key of three or more parts is a copy of: its first two."""
    if op.get_bind().dialect.name == "sqlite":
        first = "instr(key, ':')"
        length = f"{first} + instr(substr(key, {first} + 1), ':') - 1"
        op.execute(
            f"UPDATE messages SET copy_of = substr(key, 1, {length}) WHERE key LIKE '%:%:%'"  # noqa: S608
        )
    else:
        op.execute(
            "UPDATE messages SET copy_of = split_part(key, ':', 1) || ':' || split_part(key, ':', 2)"
            " WHERE key LIKE '%:%:%'"
        )


def _index(name: str, column: str, where: sa.TextClause) -> None:
    op.create_index(
        name, "messages", [column], unique=False, sqlite_where=where, postgresql_where=where
    )
