"""Count the changes of what processes keep in memory, so that each notices those of the others.

The database counts by itself: neither a former version of the bot beside this one nor somebody
with a shell for the database can leave it out.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "known_versions"
down_revision = "messages_told_cheaply"
branch_labels = None
depends_on = None

# Of each table: the topic in SQL (`{}` is the row), and what counts as a change of a row.
_COUNTED = {
    "nodes": ("'nodes'", ("id", "kind", "name", "version", "desc", "uuid", "manager")),
    "names": ("'names'", ("kind", "target", "name", "folded", "since", "given_by")),
    "defaults": ("'defaults'", ("scope", "id", "node")),
    "dbc_sessions": (
        "'sessions'",
        ("user", "node", "sealed", "added_at", "checked_at", "problem"),
    ),
    "session_shares": ("'shares'", ("user", "node", "audience", "kind", "created_at")),
    "machines": (
        "'machines:' || {}.node",
        ("node", "task", "owner", "desc", "status", "created"),
    ),
}


def upgrade() -> None:
    """Make the table, and what counts in it."""
    op.create_table(
        "known_versions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_known_versions")),
    )
    for statement in _postgres() if _is_postgres() else _sqlite():
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    for table in _COUNTED:
        for event in ("insert", "delete", "update"):
            name = f"count_{table}_{event}"
            on = f" ON {table}" if _is_postgres() else ""
            op.execute(f"DROP TRIGGER {name}{on}")
            if _is_postgres():
                op.execute(f"DROP FUNCTION {name}()")
        if _is_postgres():
            op.execute(f"DROP TRIGGER count_{table}_truncate ON {table}")
    if _is_postgres():
        op.execute("DROP FUNCTION count_truncate()")
    op.drop_table("known_versions")


def _is_postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def _sqlite() -> Iterator[str]:
    for table, (topic, columns) in _COUNTED.items():
        changed = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in columns)
        cases = (
            ("insert", ("NEW",), ""),
            ("delete", ("OLD",), ""),
            ("update", ("NEW", "OLD"), f"WHEN {changed} "),
        )
        for event, rows, when in cases:
            counting = "".join(
                f"INSERT INTO known_versions (topic, version) VALUES ({one}, 1) "
                "ON CONFLICT (topic) DO UPDATE SET version = version + 1; "
                for one in dict.fromkeys(topic.format(row) for row in rows)
            )
            yield (
                f"CREATE TRIGGER count_{table}_{event} AFTER {event.upper()} ON {table} "
                f"{when}BEGIN {counting}END"
            )


def _postgres() -> Iterator[str]:
    yield (
        "CREATE FUNCTION count_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE known_versions SET version = version + 1; RETURN NULL; END $$"
    )
    # Once a statement: a row that is updated often in one transaction becomes slow to find.
    for table, (topic, columns) in _COUNTED.items():
        yield (
            f"CREATE TRIGGER count_{table}_truncate AFTER TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION count_truncate()"
        )
        listed = ", ".join(f'"{name}"' for name in columns)
        fresh, former = (f"SELECT {listed} FROM {rows}" for rows in ("fresh", "former"))
        changed = f"(({fresh} EXCEPT {former}) UNION ({former} EXCEPT {fresh}))"
        cases = (
            ("insert", "NEW TABLE AS fresh", "fresh"),
            ("delete", "OLD TABLE AS former", "former"),
            ("update", "OLD TABLE AS former NEW TABLE AS fresh", changed),
        )
        for event, rows, among in cases:
            name = f"count_{table}_{event}"
            yield (
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "INSERT INTO known_versions (topic, version) "
                f"SELECT DISTINCT {topic.format('one')} AS topic, 1 FROM {among} AS one ORDER BY topic "
                "ON CONFLICT (topic) DO UPDATE SET version = known_versions.version + 1; "
                "RETURN NULL; END $$"
            )
            yield (
                f"CREATE TRIGGER {name} AFTER {event.upper()} ON {table} REFERENCING {rows} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
            )
