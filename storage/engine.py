"""Engines for SQLite and PostgreSQL, and the failures of both as one error.

SQLite has one writer, so whoever wants to write waits for a turn here, in order: inside this
process nobody runs into "database is locked", and nobody sleeps through SQLite's retries.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    closing,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from bot.config import is_host
from bot.errors import BotError
from storage import inline
from storage.busy import PAUSES, is_busy
from storage.file import Presence
from storage.transaction import failures, transaction

Result = TypeVar("Result")

log = structlog.get_logger()

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

BUSY_TIMEOUT_MS = 5_000  # those who write inline wait as long, in small steps

# What may stand behind the `?` of PostgreSQL's address.
_OPTIONS = frozenset({"host", "port", "ssl", "passfile", "target_session_attrs"})
_SSL = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
# Nothing prepared outlasts a transaction, and no two clients of a pooler use the same name.
_UNPREPARED: Mapping[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": lambda: f"__dbc_{uuid4()}__",
}

# One writer at a time in all replicas, as SQLite has it. A process that was stopped or cut off in
# the middle gives its turn back after ten seconds. In one statement, and for this transaction
# alone: a pooler takes no settings for a connection.
_MY_TURN = text(
    "SELECT set_config('idle_in_transaction_session_timeout', '10s', true), "
    "pg_advisory_xact_lock(hashtext('dbc-bot writer'))"
)

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",  # first: the next one may have to wait
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode, the default of NORMAL may lose the last commits
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is removed is overwritten, not only unlinked
)


@dataclass(frozen=True, slots=True)
class DirectWriter:
    """A second way into the SQLite file, for what a person's acknowledgement waits for.

    Beginning and committing change threads and back, and what is between them waits for a turn on
    the event loop. Here all of it is one step.
    """

    engine: Engine
    thread: ThreadPoolExecutor

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in a transaction of its own, in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._run, work)

    async def scrub(self) -> None:
        """Move the journal into the file and truncate it, as far as readers allow."""
        await asyncio.get_running_loop().run_in_executor(self.thread, self._scrub)

    def _scrub(self) -> None:
        # What was to be committed is committed: a full disk or a busy file is no failure of that.
        with suppress(DBAPIError, sqlite3.Error), closing(self.engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        with self.engine.begin() as connection:
            return work(connection)


@dataclass(slots=True)
class Engines:
    """Where to read and where to write.

    `browsers` are for reads that may be long: they hold up nobody else's work. `turn` is held
    while writing; only the first of `queue` waits for it, so that what a person's
    acknowledgement waits for has one writer before it, not all. `file` and `direct` are there
    with SQLite only; with `presence`, nothing is written once the file is gone. `server` is
    there with PostgreSQL, until its first use has shown whether a pooler stands before it.
    """

    readers: AsyncEngine
    writers: AsyncEngine
    browsers: AsyncEngine
    turn: AbstractAsyncContextManager[None]
    queue: AbstractAsyncContextManager[None]
    file: Path | None = None
    direct: DirectWriter | None = None
    presence: Presence | None = None
    server: URL | None = None
    _finding_out: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that waits for no writer.

        With SQLite all its queries see one state; with PostgreSQL (READ COMMITTED) each sees what
        was committed before it began, so that two of them may differ.
        """
        with failures():
            await self._meet_server()
            async with self.readers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def browsing(self) -> AsyncIterator[AsyncConnection]:
        """Like `reading`, for what may go through a whole table that grows."""
        with failures():
            await self._meet_server()
            async with self.browsers.begin() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self, *, decisive: bool = False) -> AsyncIterator[AsyncConnection]:
        """A transaction that may write, in turn: no two ever wait for each other.

        With PostgreSQL this holds for all replicas. One that hangs holds the others up for as long
        as the server lets it. `decisive`: see `storage.transaction`.
        """
        with failures():
            await self._meet_server()
            async with self.queue, self.turn, self._begun(decisive=decisive) as connection:
                self._check_presence()
                yield connection

    @asynccontextmanager
    async def _begun(self, *, decisive: bool) -> AsyncIterator[AsyncConnection]:
        """A transaction that has its turn, waited for longer than the database itself does."""
        first = _MY_TURN if self.file is None else None
        async with AsyncExitStack() as stack:
            for pause in (*PAUSES, None):
                begun = transaction(self.writers, first, decisive=decisive)
                try:
                    connection = await stack.enter_async_context(begun)
                    break
                except (DBAPIError, OSError) as error:
                    if pause is None or not is_busy(error):
                        raise
                    await asyncio.sleep(pause())
            yield connection

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in a transaction of its own, the fastest way there is, before all who queue.

        Somebody waits, so it waits for no turn.
        """
        with failures():
            await self._meet_server()
            async with self.turn:
                self._check_presence()
                if self.direct is not None:
                    return await self.direct.run(work)
                async with transaction(self.writers) as connection:
                    return await connection.run_sync(work)

    async def _meet_server(self) -> None:
        """On first use, find out whether a pooler such as PgBouncer stands before PostgreSQL.

        It may give each transaction another server connection, where statements that were
        prepared before are unknown: then none is kept.
        """
        if self.server is None:
            return
        async with self._finding_out:
            if self.server is None:
                return
            async with self.readers.connect() as connection:
                is_pooled = await _is_pooled(connection)
            if is_pooled:
                log.info("database.is_pooled", then="no prepared statement is kept")
                await self.dispose()
                self.readers, self.writers = _postgres(self.server, _UNPREPARED)
                self.browsers = self.readers
            self.server = None

    def _check_presence(self) -> None:
        if self.presence is not None:
            self.presence.check()

    async def scrub(self) -> None:
        """Empty SQLite's journal, where the former content of an erased row still stands.

        A reader that is under way can prevent it; then the next one does it, or closing the file.
        """
        if self.direct is not None:
            async with self.queue, self.turn:
                await self.direct.scrub()

    async def dispose(self) -> None:
        """Close every connection."""
        if self.direct is not None:
            self.direct.thread.shutdown()
            self.direct.engine.dispose()
        await self.writers.dispose()
        await self.readers.dispose()
        await self.browsers.dispose()


def open_engines(url: str) -> Engines:
    """Engines for `DATABASE_URL`, without connecting; `BotError` if it cannot be used."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    readers, writers = _postgres(parsed, {})
    return Engines(readers, writers, readers, nullcontext(), asyncio.Lock(), server=parsed)


def _postgres(url: URL, settings: Mapping[str, Any]) -> tuple[AsyncEngine, AsyncEngine]:
    # A server that restarts leaves dead connections in the pool: pre_ping replaces them.
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_pre_ping": True,
        # What is written here allows for it; a server may have another default.
        "isolation_level": "READ COMMITTED",
        "json_deserializer": _lenient,
        "connect_args": {"timeout": 10, "command_timeout": 30, **settings},
    }
    return (
        create_async_engine(url, pool_size=5, max_overflow=5, **options),
        create_async_engine(url, pool_size=10, max_overflow=0, **options),
    )


async def _is_pooled(connection: AsyncConnection) -> bool:
    """Whether the process that serves us is another than the one that took the connection."""
    greeted = (await connection.get_raw_connection()).driver_connection
    serving = await connection.scalar(text("SELECT pg_backend_pid()"))
    return greeted is not None and bool(greeted.get_server_pid() != serving)


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
        _refuse_options(parsed.query, frozenset())
        return parsed
    query = dict(parsed.query)
    if "sslmode" in query:  # libpq's word, as hosting providers print it; asyncpg calls it ssl
        query["ssl"] = query.pop("sslmode")
    _refuse_options(query, _OPTIONS)
    if query.get("ssl", "prefer") not in _SSL:
        raise BotError(
            "DATABASE_URL has a value of sslmode that PostgreSQL does not know.",
            hint=f"Give one of {', '.join(sorted(_SSL))}.",
        )
    named = query.get("host", ())
    hosts = [parsed.host, *([named] if isinstance(named, str) else named)]
    if not all(is_host(host) for host in hosts if host):
        raise _unusable()
    return parsed.set(query=query)


def _refuse_options(given: Iterable[str], known: Set[str]) -> None:
    """Raise BotError for an option behind the `?` that the driver would stumble over."""
    if unknown := sorted(set(given) - known):
        taken = ", ".join(sorted(known - {"ssl"} | {"sslmode"})) if known else "none"
        raise BotError(
            f"DATABASE_URL has an option that the bot cannot use: {', '.join(unknown)}.",
            hint=f"Leave it out. Options that it can use: {taken}.",
        )


def _lenient(text: str) -> Any:
    """What a JSON column holds; None where it cannot be read, for the sake of the other rows."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _unusable() -> BotError:
    return BotError(
        "DATABASE_URL is not an address that the bot can use.",
        hint="Give sqlite+aiosqlite:///data/dbc-bot.db or postgresql+asyncpg://user@host/name.",
    )


def _open_sqlite(url: URL) -> Engines:
    file = Path(url.database or "")
    options: dict[str, Any] = {"hide_parameters": True, "json_deserializer": _lenient}
    ours = {"connect_args": {"async_creator_fn": inline.connect}}
    readers = create_async_engine(url, pool_size=5, max_overflow=5, **ours, **options)
    writers = create_async_engine(url, pool_size=1, max_overflow=0, **ours, **options)
    browsers = create_async_engine(url, pool_size=2, max_overflow=2, **options)
    direct = create_engine(url.set(drivername="sqlite"), pool_size=1, **options)
    for engine in (readers.sync_engine, writers.sync_engine, browsers.sync_engine, direct):
        event.listen(engine, "connect", _prepare)
    event.listen(writers.sync_engine, "connect", _prepare_to_write)
    event.listen(readers.sync_engine, "begin", _begin)
    event.listen(browsers.sync_engine, "begin", _begin)
    event.listen(writers.sync_engine, "begin", _begin_immediate)
    event.listen(direct, "begin", _begin_immediate)
    return Engines(
        readers=readers,
        writers=writers,
        browsers=browsers,
        turn=asyncio.Lock(),
        queue=asyncio.Lock(),
        file=file,
        direct=DirectWriter(direct, ThreadPoolExecutor(1, thread_name_prefix="sqlite-intake")),
    )


def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, deferred, and only before some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare_to_write(connection: Any, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {inline.BUSY_TIMEOUT_MS}")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another one wrote in
    # between, in spite of the busy timeout: take the lock before the first statement.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
