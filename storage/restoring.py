"""A PostgreSQL database while a dump is put back: no bot works on it before that is done.

`pg_restore` commits by itself, and what was open in the dump is held back after that. From before
until after, a second row stands in `alembic_version`, which `pg_restore` leaves alone: a revision
that no version has, so that none uses the database, older ones included.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, inspect, text

from bot.errors import BotError
from storage.backup import disarm
from storage.engine import open_engines
from storage.migrations import BEING_RESTORED, REVISION_TABLE, revisions_of, upgrade
from storage.tables import executions

_MAKE = text(
    f"CREATE TABLE {REVISION_TABLE} (version_num VARCHAR(32) NOT NULL, "
    f"CONSTRAINT {REVISION_TABLE}_pkc PRIMARY KEY (version_num))"
)
_ADD = text(f"INSERT INTO {REVISION_TABLE} (version_num) VALUES (:revision)")  # noqa: S608
_REMOVE = text(f"DELETE FROM {REVISION_TABLE} WHERE version_num = :revision")  # noqa: S608
_DROP = text(f"DROP TABLE {REVISION_TABLE}")


class Restoring:
    """Marks the database, and ends that. Raises StorageFailed. Close it at the end."""

    def __init__(self, url: str) -> None:
        self._engines = open_engines(url)

    async def begin(self, revisions: Sequence[str]) -> str:
        """Let no bot use it; `revisions` are the dump's, where there is nothing yet.

        In which schema that is marked; empty: in none, where only `pg_restore` makes one for it.
        """
        async with self._engines.migrating() as connection:
            return await connection.run_sync(_begin, revisions)

    async def undo(self, *, was_empty: bool) -> None:
        """Leave it as `begin` found it: nothing was put back. `was_empty`: it had no revision."""
        async with self._engines.migrating() as connection:
            if was_empty:
                await connection.execute(_DROP)
            else:
                await connection.execute(_REMOVE, {"revision": BEING_RESTORED})

    async def end(self, now: datetime, backup: str = "") -> None:
        """Bring what was put back to this version's schema, hold back what is open, and unmark it.

        In one transaction. `backup`: the name of its file. Raises BotError.
        """
        async with self._engines.migrating() as connection:
            await connection.run_sync(_end, now, backup)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engines.dispose()


def _begin(connection: Connection, revisions: Sequence[str]) -> str:
    schema = connection.scalar(text("SELECT current_schema()"))
    if schema is None:
        return ""
    found = revisions_of(connection)
    if not inspect(connection).has_table(REVISION_TABLE):
        connection.execute(_MAKE)
    for revision in (*(() if found else revisions), BEING_RESTORED):
        if revision not in found:
            connection.execute(_ADD, {"revision": revision})
    return str(schema)


def _end(connection: Connection, now: datetime, backup: str) -> None:
    found = revisions_of(connection)
    if found and not inspect(connection).has_table(executions.name):
        raise BotError("There is nothing in it yet.", hint="Run: python -m bot restore FILE")
    if BEING_RESTORED in found:
        connection.execute(_REMOVE, {"revision": BEING_RESTORED})
    upgrade(connection)
    disarm(connection, now, backup)
