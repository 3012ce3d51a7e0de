"""The revisions of the schema, applied by Alembic on a connection that is given.

The caller's transaction is the migration's: all of it happens, or nothing.
"""

from sqlalchemy import Connection, inspect, text

from storage.errors import BeingRestored

# The newest revision: a database that has it needs none of them to be read.
HEAD = "rentals_by_newest_block"

REVISION_TABLE = "alembic_version"
REVISIONS = f"SELECT version_num FROM {REVISION_TABLE}"  # noqa: S608
# Beside another one: see `storage.restoring`. No version has it.
BEING_RESTORED = "being_restored"


def is_newest(connection: Connection) -> bool:
    """Whether no revision is missing. Alembic itself takes longer to load than all this."""
    return revisions_of(connection) == [HEAD]


def revisions_of(connection: Connection) -> list[str]:
    """Which revision the database has; more than one is nothing of ours."""
    if not inspect(connection).has_table(REVISION_TABLE):
        return []
    return list(connection.execute(text(REVISIONS)).scalars())


def upgrade(connection: Connection) -> str:
    """Apply every revision that is missing. Raises NewerVersion, BeingRestored.

    Which revision the database had before; empty where it was new, or lacked nothing.
    """
    if (before := revisions_of(connection)) == [HEAD]:
        return ""
    if BEING_RESTORED in before:
        raise BeingRestored
    from storage.migrations.applying import apply  # noqa: PLC0415 - seldom, and takes long

    apply(connection)
    return ", ".join(before)


def is_known(revision: str) -> bool:
    """Whether this version has such a revision."""
    if revision == HEAD:
        return True
    from storage.migrations.applying import revisions  # noqa: PLC0415 - as above

    return revision in revisions()
