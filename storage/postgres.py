"""PostgreSQL, which several replicas may share: one writer at a time in all of them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import cache
from typing import Any, TypeVar

import structlog
from sqlalchemy import URL, Connection, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.busy import FOREIGN, PAUSES, is_busy, sqlstate
from storage.columns import lenient
from storage.transaction import failures, transaction
from storage.ways import Engines

Result = TypeVar("Result")

log = structlog.get_logger()

# A statement without a name is replaced by the next one. A named one would stay at the server's
# connection, which a pooler gives to others, who may use the same name.
_UNPREPARED: Mapping[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}
_PREPARED: Mapping[str, Any] = {}

# One writer at a time in all replicas, as SQLite has it. A process that was stopped or cut off in
# the middle gives its turn back after ten seconds. In one statement, and for this transaction
# alone: a pooler takes no settings for a connection.
_LOCK = "pg_advisory_xact_lock(hashtext('dbc-bot writer'))"
_TURN = text(f"SELECT {_LOCK}")
_MY_TURN = text(f"SELECT set_config('idle_in_transaction_session_timeout', '10s', true), {_LOCK}")

# Whatever limits the server or the role has, an index of a long history takes its time.
_UNLIMITED = text(
    "SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true), "
    "set_config('idle_in_transaction_session_timeout', '0', true)"
)
PROCESSES = "dbc-bot "  # what the names of all processes of the bot begin with
_PATIENCE = 30  # seconds, with every other statement


# What is READ COMMITTED sees no more with a transaction than each query does by itself, and the
# beginning and end of one are two more questions to the server. Behind a pooler there has to be
# one, or a statement is prepared at one server and carried out at another.
_EACH_BY_ITSELF, _TOGETHER = "AUTOCOMMIT", "READ COMMITTED"


class PostgresEngines(Engines):
    """A pool to read and browse, and one to write."""

    def __init__(self, url: URL) -> None:
        self._queue = asyncio.Lock()
        self.url = url
        # Until the first use has shown whether a pooler stands before the server.
        self._connect(_UNPREPARED, _TOGETHER)
        self._is_met = False
        self._meeting = asyncio.Lock()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Each query sees what was committed before it began."""
        with failures():
            await self._meet_server()
            async with self._readers.begin() as connection:
                yield connection

    def browsing(
        self,
        *,
        many_rows: bool = False,  # noqa: ARG002 - nobody waits for its server
    ) -> AbstractAsyncContextManager[AsyncConnection]:
        """The same: however long it takes, others go on."""
        return self.reading()

    @asynccontextmanager
    async def writing(self, *, decisive: bool = False) -> AsyncIterator[AsyncConnection]:
        """Take turns with all replicas, by a lock of the transaction's own."""
        with failures():
            async with self._queue, self._begun(decisive=decisive) as connection:
                yield connection

    @asynccontextmanager
    async def _begun(self, *, decisive: bool) -> AsyncIterator[AsyncConnection]:
        """A transaction that has its turn, waited for longer than the database itself does."""
        async with AsyncExitStack() as stack:
            for pause in (*PAUSES, None):
                await self._meet_server()
                begun = transaction(self._writers, _MY_TURN, decisive=decisive)
                try:
                    connection = await stack.enter_async_context(begun)
                    break
                except (DBAPIError, OSError) as error:
                    if pause is None or not is_busy(error):
                        raise
                    await asyncio.sleep(pause())
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """On a connection of its own, since it is the driver's that has the limit of time."""
        with failures():
            await self._meet_server()
            engine = create_async_engine(
                self.url,
                poolclass=NullPool,
                isolation_level=_TOGETHER,
                **_options(self._settings, patience=None),
            )
            try:
                async with self._queue, transaction(engine, _UNLIMITED) as connection:
                    await connection.execute(_TURN)
                    yield connection
            finally:
                await engine.dispose()

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in a transaction that waits for no turn."""
        with failures():
            await self._meet_server()
            async with transaction(self._writers) as connection:
                return await connection.run_sync(work)

    async def _meet_server(self) -> None:
        """On first use, find out whether a pooler such as PgBouncer stands before PostgreSQL.

        It may give each transaction another server connection, where statements that were
        prepared before are unknown, or known by the name of another one: then none is kept.
        """
        self.ensure_open()
        if self._is_met:
            return
        async with self._meeting:
            if self._is_met:
                return
            if not self.is_pooled:
                async with self._writers.connect() as connection:
                    self.is_pooled = await _is_pooled(connection)
            if not self.is_pooled:
                await self._prepare()
            if self.is_pooled:
                log.info("database.is_pooled", then="no prepared statement is kept")
                if self._settings is not _UNPREPARED:
                    await self._disconnect()
                    self._connect(_UNPREPARED, _TOGETHER)
            self._is_met = True

    async def _prepare(self) -> None:
        """Keep what is prepared from now on, unless the first statements cannot be."""
        await self._disconnect()
        self._connect(_PREPARED, _EACH_BY_ITSELF)
        for engine in (self._readers, self._writers):
            event.listen(engine.sync_engine, "handle_error", self._doubt)
        try:
            async with self._writers.connect():
                pass
        except DBAPIError as error:
            if sqlstate(error) not in FOREIGN:
                raise
            self.is_pooled = True

    def _doubt(self, context: ExceptionContext) -> None:
        """Prepare nothing any more once something shows that others share the connections."""
        if sqlstate(context.original_exception) in FOREIGN:
            self._is_met, self.is_pooled = False, True

    def _connect(self, settings: Mapping[str, Any], reading: str) -> None:
        self._settings = settings
        self._readers, self._writers = _connected(self.url, settings, reading)

    async def scrub(self) -> None:
        """There is no journal of ours."""

    async def dispose(self) -> None:
        """Close every connection."""
        self.is_closed = True
        await self._disconnect()

    async def _disconnect(self) -> None:
        await self._writers.dispose()
        await self._readers.dispose()


@cache
def process_name() -> str:
    """What PostgreSQL calls the connections of this process, so that each is told from others."""
    return f"{PROCESSES}{secrets.token_hex(4)}"


def _options(settings: Mapping[str, Any], *, patience: float | None) -> dict[str, Any]:
    return {
        "hide_parameters": True,
        "json_deserializer": lenient,
        "connect_args": {
            "timeout": 10,
            "command_timeout": patience,
            "server_settings": {"application_name": process_name()},
            **settings,
        },
    }


def _connected(
    url: URL, settings: Mapping[str, Any], reading: str
) -> tuple[AsyncEngine, AsyncEngine]:
    options = _options(settings, patience=_PATIENCE)
    return (
        create_async_engine(
            url,
            pool_size=5,
            max_overflow=5,
            # A server that restarts leaves dead connections in the pool: this replaces them.
            pool_pre_ping=True,
            isolation_level=reading,
            **options,
        ),
        create_async_engine(
            url,
            pool_size=10,
            max_overflow=0,
            # A dead connection shows at the first statement, and what writes is begun again.
            pool_pre_ping=False,
            # What is written here allows for it; a server may have another default.
            isolation_level=_TOGETHER,
            **options,
        ),
    )


async def _is_pooled(connection: AsyncConnection) -> bool:
    """Whether the process that serves us is another than the one that took the connection."""
    greeted = (await connection.get_raw_connection()).driver_connection
    serving = await connection.scalar(text("SELECT pg_backend_pid()"))
    return greeted is not None and bool(greeted.get_server_pid() != serving)
