"""The revisions of the schema, applied by Alembic on a connection that is given.

The caller's transaction is the migration's: all of it happens, or nothing.
"""

from sqlalchemy import Connection, inspect, text

# The newest revision: a database that has it needs none of them to be read.
HEAD = "readers"


def is_newest(connection: Connection) -> bool:
    """Whether no revision is missing. Alembic itself takes longer to load than all this."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    known = connection.execute(text("SELECT version_num FROM alembic_version")).scalars()
    return list(known) == [HEAD]


def upgrade(connection: Connection) -> None:
    """Apply every revision that is missing. Raises BotError for a newer version's database."""
    if not is_newest(connection):
        from storage.migrations.applying import apply  # noqa: PLC0415 - seldom, and takes long

        apply(connection)
