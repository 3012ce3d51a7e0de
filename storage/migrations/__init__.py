"""The revisions of the schema, applied by Alembic on a connection that is given.

The caller's transaction is the migration's: all of it happens, or nothing.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from bot.errors import BotError

# The newest revision: a database that has it needs none of them to be read.
HEAD = "readers"


def is_newest(connection: Connection) -> bool:
    """Whether no revision is missing."""
    return MigrationContext.configure(connection).get_current_heads() == (HEAD,)


def upgrade(connection: Connection) -> None:
    """Apply every revision that is missing. Raises BotError for a newer version's database."""
    if is_newest(connection):
        return
    config = _config(connection)
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def _refuse_newer(connection: Connection, known: ScriptDirectory) -> None:
    current = MigrationContext.configure(connection).get_current_heads()
    if unknown := set(current) - {script.revision for script in known.walk_revisions()}:
        raise BotError(
            f"A newer version of the bot has used this database (schema {', '.join(unknown)}).",
            hint="Run that version, or restore a backup from before the upgrade.",
        )


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
