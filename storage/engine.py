"""Engines for SQLite and PostgreSQL, and the failures of both as one error.

One engine reads and one writes. SQLite has one writer, so its writing engine is one connection
and whoever wants to write waits for it in turn: nobody runs into "database is locked".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.errors import BotError
from storage.errors import StorageFailed

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# Only another process can hold SQLite's write lock for long (a backup, an export); a person who
# waits for an acknowledgement has 3 s, but what runs behind it would rather wait than fail.
BUSY_TIMEOUT_MS = 5_000

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",  # first: the next one may have to wait
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode, the default of NORMAL may lose the last commits
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is removed is overwritten, not only unlinked
)


@dataclass(frozen=True, slots=True)
class Engines:
    """Where to read and where to write. `file` is the SQLite file, None with PostgreSQL."""

    readers: AsyncEngine
    writers: AsyncEngine
    file: Path | None

    async def dispose(self) -> None:
        """Close every connection."""
        await self.writers.dispose()
        await self.readers.dispose()


def open_engines(url: str) -> Engines:
    """Engines for `DATABASE_URL`, without connecting; `BotError` if it cannot be used."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    # A server that restarts leaves dead connections in the pool: pre_ping replaces them.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_pre_ping": True,
        "connect_args": {"timeout": 10, "command_timeout": 30},
    }
    return Engines(
        readers=create_async_engine(parsed, pool_size=5, max_overflow=5, **options),
        writers=create_async_engine(parsed, pool_size=10, max_overflow=0, **options),
        file=None,
    )


@contextmanager
def failures() -> Iterator[None]:
    """Turn a database out of reach, out of space or out of order into `StorageFailed`.

    A broken constraint or a wrong statement is a mistake of ours and passes as it is.
    """
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise storage_failed() from error


def storage_failed() -> StorageFailed:
    """The one sentence for a database that does not do its work."""
    return StorageFailed(
        "The bot's database could not be read or written.",
        hint="Try again in a minute; if it stays so, tell whoever runs the bot.",
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _unusable() from None  # the text may hold a password
    if parsed.drivername not in DRIVERS:
        raise _unusable()
    parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise BotError(
                "DATABASE_URL names no file.",
                hint="A SQLite address looks like sqlite+aiosqlite:///data/dbc-bot.db.",
            )
        return parsed
    query = dict(parsed.query)
    if "sslmode" in query:  # libpq's word, as hosting providers print it; asyncpg calls it ssl
        query["ssl"] = query.pop("sslmode")
    return parsed.set(query=query)


def _unusable() -> BotError:
    return BotError(
        "DATABASE_URL is not an address that the bot can use.",
        hint="Give sqlite+aiosqlite:///data/dbc-bot.db or postgresql+asyncpg://user@host/name.",
    )


def _open_sqlite(url: URL) -> Engines:
    file = Path(url.database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BotError(
            f"The directory {file.parent} for the database cannot be made: {error.strerror}."
        ) from None
    readers = create_async_engine(url, hide_parameters=True, pool_size=5, max_overflow=5)
    writers = create_async_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
    for engine in (readers, writers):
        event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(readers.sync_engine, "begin", _begin)
    event.listen(writers.sync_engine, "begin", _begin_immediate)
    return Engines(readers=readers, writers=writers, file=file)


def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, deferred, and only before some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another one wrote in
    # between, in spite of the busy timeout: take the lock before the first statement.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
