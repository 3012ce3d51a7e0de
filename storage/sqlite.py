"""A SQLite file: statements run where they are asked for, and only a flush goes to a thread.

SQLite has one writer, so whoever wants to write waits for a turn here, in order: inside this
process nobody runs into "database is locked", and nobody sleeps through SQLite's retries.
"""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar, cast

import aiosqlite
import structlog
from sqlalchemy import URL, Connection, Dialect, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from storage.busy import PAUSES, is_busy
from storage.columns import lenient
from storage.connection import InlineConnection, OpenConnection
from storage.file import JOURNALS
from storage.journal import mark, require_own_journal
from storage.presence import changed, identity
from storage.transaction import failures, to_its_end
from storage.ways import Engines

Result = TypeVar("Result")

log = structlog.get_logger()

BUSY_TIMEOUT_MS = 5_000  # of those who wait in a thread

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",  # first: the next one may have to wait
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",  # in WAL mode, the default of NORMAL may lose the last commits
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is removed is overwritten, not only unlinked
)

# Only another process can hold the write lock for long (a backup, an export); what runs behind an
# acknowledgement would rather wait than fail. It waits on the event loop, where others go on.
PATIENCE = 5.0  # seconds
_LOOKS_AGAIN = 0.01  # seconds

_COUNTED = "SELECT coalesce(sum(version), 0) FROM known_versions"

# A smaller file is gone through in less time than it takes to hand the work over and back.
_SMALL = 2 * 1024**2  # bytes; a quarter of them are there before the first row
_SIZE = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"

_LONG = 1000 * 4096  # bytes, of a journal of so many pages

# The files that this process has open, by how many engines. Nobody else may look into one of these:
# closing it would end SQLite's locks on it, and who closes it next would delete its journal.
_OPENED = Counter[tuple[int, int] | None]()
_OPENING = Lock()

# The operating system has the file's pages in its memory as well: with SQLite's 2 MiB for each
# connection nothing was measurably faster (docs/benchmarks.md).
_READERS_CACHE = "PRAGMA cache_size = -500"  # KiB
_KEPT = 5  # readers; one that does not wait for anything needs no second
_STATEMENTS = 500  # kept prepared by a connection; the bot has some 300


class _Whole(sqlite3.Cursor):
    """Has read all rows as soon as the statement was carried out.

    A statement of which somebody may still read rows would keep its transaction from ending: the
    next reader of the connection would see the former state.
    """

    _rows: Iterator[Any] = iter(())

    def execute(self, *arguments: Any) -> "_Whole":
        super().execute(*arguments)
        self._rows = iter(super().fetchall())
        return self

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        return list(islice(self._rows, size or self.arraysize))

    def fetchall(self) -> list[Any]:
        return list(self._rows)


class _Driver(sqlite3.Connection):
    def cursor(self, *_factory: Any) -> _Whole:  # type: ignore[override]
        return super().cursor(_Whole)


class _Writer:
    """The one connection that writes, and the thread in which it waits for the disk."""

    def __init__(self, connection: Connection, file: Path) -> None:
        self.connection = connection
        self._journal = file.with_name(file.name + JOURNALS[0])
        self._driver = _driver(connection)
        self._changes = 0  # of rows, until the present transaction began
        self._is_marked = False  # whether the present journal tells which file it continues
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")

    async def begin(self) -> None:
        """Take the write lock, waiting for another process that has it."""
        # A transaction that reads first and writes later fails at once when another one wrote in
        # between: take the lock before the first statement.
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.connection.exec_driver_sql("BEGIN IMMEDIATE")
            except DBAPIError as error:
                self.connection.rollback()
                if not is_busy(error) or time.monotonic() >= until:
                    raise
            else:
                self._changes = self._driver.total_changes
                return
            await asyncio.sleep(_LOOKS_AGAIN)

    async def commit(self) -> bool:
        """Commit; says whether the caller was cancelled meanwhile. Nothing new needs no disk."""
        if self._driver.total_changes == self._changes:
            self.connection.commit()
            return False
        _, was_cancelled = await self.in_thread(self.store)
        return was_cancelled

    def store(self) -> None:
        """Commit, whatever it is, waiting for the disk. Where it begins a journal, say of what."""
        # SQLite begins one anew once all of it was moved: after each `scrub`, and by itself from
        # a thousand pages on. A mark too many does no harm.
        is_new = self._driver.total_changes != self._changes
        if is_new and not (self._is_marked and self._is_short()):
            mark(self.connection)
        self.connection.commit()
        self._is_marked = self._is_marked or is_new

    def _is_short(self) -> bool:
        with suppress(OSError):  # a journal that was deleted is not this one
            return self._journal.stat().st_size < _LONG
        return False

    def roll_back(self) -> None:
        """Undo what was not committed, if there is anything."""
        self.connection.rollback()
        if self._driver.in_transaction:  # where the commit failed, only SQLite knows of it
            self._driver.rollback()

    async def in_thread(self, work: Callable[[], Result]) -> tuple[Result, bool]:
        """Do what waits, to its end; says too whether the caller was cancelled meanwhile."""
        loop = asyncio.get_running_loop()
        return await to_its_end(loop.run_in_executor(self._thread, work))

    async def scrub(self) -> tuple[bool, bool]:
        """Truncate the journal, waiting for nobody; says whether it is done.

        Says too whether the caller was cancelled meanwhile.
        """

        def move() -> bool:
            self._is_marked = False
            # All of it is committed: a full disk or a busy file is no failure of that.
            with suppress(sqlite3.Error):
                row = self._driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return row is not None and row[0] == 0
            return False

        return await self.in_thread(move)

    def close(self) -> None:
        """Close the connection, which may move the journal into the file."""
        self._thread.submit(self.connection.close)
        self._thread.shutdown()


class SqliteEngines(Engines):
    """One connection to write, a few to read, and some beside the event loop to browse.

    `turn` is held while writing; only the first of `queue` waits for it, so that what a person's
    acknowledgement waits for has one writer before it, not all.
    """

    def __init__(self, url: URL) -> None:
        self.turn = asyncio.Lock()
        self.queue = asyncio.Lock()
        self.file: Path = Path(url.database or "")
        options: dict[str, Any] = {"hide_parameters": True, "json_deserializer": lenient}
        self._engine = create_engine(
            url.set(drivername="sqlite"),
            poolclass=NullPool,
            connect_args={
                "check_same_thread": False,
                "factory": _Driver,
                "cached_statements": _STATEMENTS,
            },
            **options,
        )
        self._ending: set[asyncio.Future[Any]] = set()
        self._browsers = create_async_engine(
            url,
            pool_size=2,
            max_overflow=2,
            connect_args={"async_creator_fn": partial(_browser, self._ending)},
            **options,
        )
        for engine in (self._engine, self._browsers.sync_engine):
            event.listen(engine, "do_connect", self._meet)
            event.listen(engine, "connect", _prepare)
        event.listen(self._browsers.sync_engine, "begin", _begin)
        self._met: tuple[int, int] | None = None  # the file, once it was opened
        self._idle: list[Connection] = []
        self._writer: _Writer | None = None
        self.is_scrubbed = False  # a process that died may have left something

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[InlineConnection]:
        """Read one state of the file, without waiting for anything."""
        self.ensure_open()
        with failures(self.file):
            connection = self._idle.pop() if self._idle else await self._open()
            try:
                _begin(connection)
                yield InlineConnection(connection)
            finally:
                self._give_back(connection)

    @asynccontextmanager
    async def browsing(self, *, many_rows: bool = False) -> AsyncIterator[OpenConnection]:
        """Read one state of the file; in a thread, unless it is a small one of few rows."""
        if not many_rows and self._is_small():
            async with self.reading() as inline:
                yield inline
            return
        self.ensure_open()
        with failures(self.file):
            async with self._browsers.begin() as connection:
                yield connection

    def _is_small(self) -> bool:
        """Whether the file is known to be one of which nobody waits for a look at all of it."""
        with suppress(sqlite3.Error):  # whoever reads it then is told what is the matter
            if self._idle:
                (size,) = _driver(self._idle[-1]).execute(_SIZE).fetchone()
                return bool(0 < size <= _SMALL)
        return False

    @asynccontextmanager
    async def writing(self, *, decisive: bool = False) -> AsyncIterator[InlineConnection]:
        """Write in turn; only another process may be in the way, and is waited for."""
        self.ensure_open()
        with failures(self.file):
            async with self.queue, self.turn, self._writing(PAUSES) as writer:
                yield InlineConnection(writer.connection)
                was_cancelled = await writer.commit()
                self._left()
        if was_cancelled and not decisive:
            raise asyncio.CancelledError

    def migrating(self) -> AbstractAsyncContextManager[InlineConnection]:
        """Statements on a file take as long as they take."""
        return self.writing()

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` and commit it in one step, in the writer's thread."""
        self.ensure_open()
        with failures(self.file):
            async with self.turn, self._writing(()) as writer:

                def carry_out() -> Result:
                    result = work(writer.connection)
                    writer.store()
                    return result

                result, was_cancelled = await writer.in_thread(carry_out)
                self._left()
        if was_cancelled:
            raise asyncio.CancelledError
        return result

    @asynccontextmanager
    async def _writing(self, pauses: tuple[Callable[[], float], ...]) -> AsyncIterator[_Writer]:
        """Begin a transaction, and undo what of it is not committed."""
        if self._writer is None:
            self._writer = _Writer(await self._open(busy_timeout=0), self.file)
        writer = self._writer
        try:
            for pause in (*pauses, None):
                try:
                    await writer.begin()
                except DBAPIError as error:
                    if pause is None or not is_busy(error):
                        raise
                    await asyncio.sleep(pause())
                else:
                    break
            if self.presence is not None:
                await self.presence.check()
            yield writer
        finally:
            self._undo(writer)

    def _left(self) -> None:
        """Tell the file as we have left it from one that somebody else has written to."""
        if self.presence is not None:
            self.presence.left()

    def _undo(self, writer: _Writer) -> None:
        """Leave the writer as it was found; one that fails at that is not used again."""
        try:
            writer.roll_back()
        except (DBAPIError, sqlite3.Error):
            log.exception("sqlite.writer_discarded")
        else:
            if not self.is_closed:
                return
        self._writer = None
        writer.close()

    def glance(self) -> int | None:
        """Look into the file, in a hundredth of a millisecond."""
        with suppress(sqlite3.Error):  # whoever reads it then is told what is the matter
            if self._idle:
                (found,) = _driver(self._idle[-1]).execute(_COUNTED).fetchone()
                return int(found)
        return None

    async def scrub(self) -> None:
        """Move the journal into the file and truncate it, as far as readers allow."""
        self.is_scrubbed = was_cancelled = False
        with failures(self.file):
            async with self.queue, self.turn:
                if self._writer is not None and await self._is_sound():
                    self.is_scrubbed, was_cancelled = await self._writer.scrub()
                    self._left()
        if was_cancelled:
            raise asyncio.CancelledError

    async def _is_sound(self) -> bool:
        return self.presence is None or await self.presence.is_sound()

    async def dispose(self) -> None:
        """Close every connection; what is under way closes its own at its end."""
        was_closed, self.is_closed = self.is_closed, True
        if self._writer is not None and not self.turn.locked():
            writer, self._writer = self._writer, None
            await asyncio.to_thread(writer.close)
        while self._idle:
            await asyncio.to_thread(self._idle.pop().close)
        await self._browsers.dispose()
        # One that cannot be closed keeps nobody from waiting for the others.
        await asyncio.gather(*self._ending, return_exceptions=True)
        if self._met is not None and not was_closed:
            with _OPENING:
                _OPENED[self._met] -= 1

    async def _open(self, busy_timeout: int | None = None) -> Connection:
        """A new connection, made in a thread: the first one may find a journal to go through."""

        def connect() -> Connection:
            connection: Connection = self._engine.connect()
            if busy_timeout is None:
                _driver(connection).execute(_READERS_CACHE)
            else:
                _driver(connection).execute(f"PRAGMA busy_timeout = {busy_timeout}")
            return connection

        return await asyncio.to_thread(connect)

    def _meet(
        self, _dialect: Dialect, _entry: ConnectionPoolEntry, at: list[Any], named: dict[str, Any]
    ) -> None:
        """Open what is there, and nothing else in its place: an empty file would look new."""
        with _OPENING:
            found = identity(self.file)
            if self._met is None:
                if not _OPENED[found]:
                    require_own_journal(self.file)
                self._met = found
                _OPENED[found] += found is not None
            elif self._met != found:
                raise changed(found)
        at[0] = f"{Path(at[0]).as_uri()}?mode=rw"
        named["uri"] = True

    def _give_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except DBAPIError:
            connection.close()
            raise
        if self.is_closed or len(self._idle) >= _KEPT:
            connection.close()
        else:
            self._idle.append(connection)


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)


class _Browser(aiosqlite.Connection):
    """A connection in a thread, whose end can be waited for.

    The driver stops one that could not be opened without waiting: its thread would report to an
    event loop that is closed by then, and print a traceback beside the sentence people read.
    """

    ending: set[asyncio.Future[Any]]

    def stop(self) -> asyncio.Future[Any] | None:
        """Stop the thread."""
        future = super().stop()
        if future is not None:
            self.ending.add(future)
            future.add_done_callback(self.ending.discard)
        return future


def _browser(ending: set[asyncio.Future[Any]], *arguments: Any, **named: Any) -> _Browser:
    browser = _Browser(partial(sqlite3.connect, *arguments, **named), iter_chunk_size=64)
    browser.ending = ending
    browser._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy's own creator does
    return browser


def _prepare(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, deferred, and only before some statements.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
