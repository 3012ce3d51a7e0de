"""Indexes by which a node's open watches are found, and what a process holds leases of."""

import sqlalchemy as sa
from alembic import op

revision = "watches_on_node"
down_revision = "messages_posted_twice"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'open'")
_LEASED = sa.text("leased_by IS NOT NULL")
_TABLES = ("executions", "watches", "messages")


def upgrade() -> None:
    """Make them."""
    _index("ix_watches_open_on_node", "watches", ["node", "owner"], _OPEN)
    for table in _TABLES:
        _index(f"ix_{table}_leased_by", table, ["leased_by"], _LEASED)


def downgrade() -> None:
    """Drop them."""
    for table in _TABLES:
        op.drop_index(f"ix_{table}_leased_by", table_name=table)
    op.drop_index("ix_watches_open_on_node", table_name="watches")


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(
        name, table, columns, unique=False, sqlite_where=where, postgresql_where=where
    )
