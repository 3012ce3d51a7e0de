"""Find a page of a long history by an index, whatever it is narrowed by."""

from alembic import op

revision = "history_indexes"
down_revision = "watches_on_node"
branch_labels = None
depends_on = None

_NARROWED_BY = ("actor", "command", "execution", "kind", "label", "node", "outcome", "task")
_FORMERLY = ("actor", "execution", "task")


def upgrade() -> None:
    """Make the indexes, some in place of others that did not serve the order."""
    # PostgreSQL keeps readers away from the first drop to the end, and only writers while it makes
    # an index: what takes long comes first.
    for column in _NARROWED_BY:
        _index("audit", column, "seq", bytewise=True)
    _index("executions", "node")
    _index("executions", "label")
    former = op.f("ix_executions_task_created_at")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX {former} RENAME TO {former}_former")
        _index("executions", "task", "created_at", bytewise=True)
        op.drop_index(f"{former}_former", table_name="executions")
    else:
        op.drop_index(former, table_name="executions")
        _index("executions", "task", "created_at", bytewise=True)
    for column in _FORMERLY:
        op.drop_index(op.f(f"ix_audit_{column}"), table_name="audit")


def downgrade() -> None:
    """Make the former ones again."""
    op.drop_index(op.f("ix_executions_label"), table_name="executions")
    op.drop_index(op.f("ix_executions_node"), table_name="executions")
    op.drop_index(op.f("ix_executions_task_created_at"), table_name="executions")
    _index("executions", "task", "created_at")
    for column in _NARROWED_BY:
        op.drop_index(op.f(f"ix_audit_{column}_seq"), table_name="audit")
    for column in _FORMERLY:
        _index("audit", column)


def _index(table: str, *columns: str, bytewise: bool = False) -> None:
    """`bytewise`: PostgreSQL finds by it, too, what the first column begins with."""
    name = op.f(f"ix_{table}_{'_'.join(columns)}")
    operators = {columns[0]: "text_pattern_ops"} if bytewise else {}
    op.create_index(name, table, list(columns), postgresql_ops=operators)
