"""The revisions of the schema, applied by Alembic on a connection that is given.

The caller's transaction is the migration's: all of it happens, or nothing.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Apply every revision that is missing."""
    command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
