"""Lets Alembic apply the revisions that a database lacks."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from storage.errors import NewerVersion


def apply(connection: Connection) -> None:
    """Apply every revision that is missing. Raises BotError for a newer version's database."""
    config = _config(connection)
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def revisions() -> frozenset[str]:
    """All revisions that this version has."""
    location = ScriptDirectory(str(Path(__file__).parent))
    return frozenset(script.revision for script in location.walk_revisions())


def _refuse_newer(connection: Connection, known: ScriptDirectory) -> None:
    current = MigrationContext.configure(connection).get_current_heads()
    if unknown := set(current) - {script.revision for script in known.walk_revisions()}:
        raise NewerVersion(", ".join(unknown))


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
