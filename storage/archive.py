"""The audit of a database, for those who read or verify it beside the running bot.

Needs no credential key, changes nothing and migrates nothing.
"""

from collections.abc import AsyncGenerator
from typing import Any

from sqlalchemy import Column, Connection, inspect, select

from bot.model import AuditHead, AuditQuery, AuditRow
from storage.chain import Fault, Verification
from storage.engine import open_engines
from storage.file import require_there
from storage.repositories.audit import Audit, AuditWord
from storage.tables import SEALED, audit


class Archive:
    """Opens the database at `url`. Raises BotError when there is none."""

    def __init__(self, url: str) -> None:
        self._engines = open_engines(url)
        file = self._engines.file
        if file is not None:
            require_there(file)

    async def is_missing(self) -> bool:
        """Whether the database has no audit: no bot has ever used it."""
        async with self._engines.browsing() as connection:
            return not await connection.run_sync(_has_audit)

    async def verify(self, known: AuditHead | None = None) -> tuple[Fault | None, AuditHead]:
        """Go through the whole chain: the first fault, and the last row that is sound.

        `known` is a head that was kept elsewhere: without one, rows that were cut off at the end
        leave no trace, nor does a chain that was made anew as a whole.
        """
        verification = Verification(known)
        async with self._engines.browsing() as connection:
            async for rows in Audit(connection).raw():
                if fault := verification.go_on(rows):
                    return fault, verification.last
        return verification.finish(), verification.last

    async def rows(self, query: AuditQuery) -> AsyncGenerator[AuditRow, None]:
        """The rows that fit, oldest first."""
        async with self._engines.browsing() as connection:
            async for row in Audit(connection).all(query):
                yield row

    async def words(self, *columns: AuditWord) -> list[str]:
        """What has ever stood in these columns, each once."""
        async with self._engines.browsing() as connection:
            return await Audit(connection).words(*columns)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engines.dispose()


async def has_sealed(url: str) -> bool:
    """Whether anything in the database at `url` is encrypted. Raises StorageFailed."""
    engines = open_engines(url)
    try:
        async with engines.reading() as connection:
            return await connection.run_sync(_any_sealed)
    finally:
        await engines.dispose()


def sealed_there(connection: Connection) -> list[Column[Any]]:
    """The columns of what is encrypted, as far as the database has them.

    An older version may not have all of them, and a database that no bot has used has none.
    """
    there = inspect(connection)
    return [
        column
        for column in SEALED
        if there.has_table(column.table.name)
        and column.name in {one["name"] for one in there.get_columns(column.table.name)}
    ]


def _any_sealed(connection: Connection) -> bool:
    return any(
        connection.execute(select(1).where(column.is_not(None)).limit(1)).first() is not None
        for column in sealed_there(connection)
    )


async def is_unused(url: str) -> bool:
    """Whether no bot has ever kept anything in the database at `url`. Raises StorageFailed."""
    engines = open_engines(url)
    try:
        async with engines.reading() as connection:
            return not await connection.run_sync(_has_audit)
    finally:
        await engines.dispose()


def _has_audit(connection: Connection) -> bool:
    return inspect(connection).has_table(audit.name)
