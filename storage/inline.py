"""A SQLite connection that changes threads only where it may have to wait."""

import sqlite3
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import aiosqlite

P = ParamSpec("P")
Result = TypeVar("Result")

# These wait for another process, as a commit waits for the disk: all else is in the page cache.
_LOCKING = ("BEGIN IMMEDIATE", "PRAGMA")
_ROWS_AT_ONCE = 64

# Only another process can hold the write lock for long (a backup, an export); what runs behind an
# acknowledgement would rather wait than fail. In SQLite's own wait nobody can stop waiting, so each
# of those is short, and there are many.
PATIENCE = 5.0  # seconds
BUSY_TIMEOUT_MS = 200
_BEGINNING = "BEGIN IMMEDIATE"


class InlineConnection(aiosqlite.Connection):
    """Carries a statement out where it is asked for, not in the connection's own thread.

    Handing a statement over and waiting for it costs several times what the statement itself
    does: 0.1 ms each for the cursor, the statement, its rows and the end. Whatever may be long
    (a scan of a table that grows) belongs on an ordinary connection, or nobody else gets a turn.
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection], rows_at_once: int) -> None:
        super().__init__(connector, rows_at_once)
        self._handed_over: set[object] = set()  # as one step, an entry is added or removed

    async def _execute(self, fn: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        if not self._handed_over and not _may_wait(fn, args) and self._connection is not None:
            return fn(*args, **kwargs)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return await self._hand_over(fn, *args, **kwargs)
            except sqlite3.OperationalError as error:
                if not _is_kept_out(args, error) or time.monotonic() >= until:
                    raise

    async def _hand_over(
        self, fn: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        order = object()

        def carry_out() -> Result:
            try:
                return fn(*args, **kwargs)
            finally:  # here, for the thread works on also where nobody waits for it any more
                self._handed_over.discard(order)

        self._handed_over.add(order)
        return await super()._execute(carry_out)  # type: ignore[no-any-return, no-untyped-call]


def connect(database: str, **options: Any) -> InlineConnection:
    """What SQLAlchemy calls for a new connection, with the options of `sqlite3.connect`."""
    options["check_same_thread"] = False
    connection = InlineConnection(lambda: sqlite3.connect(database, **options), _ROWS_AT_ONCE)
    connection._thread.daemon = True  # as SQLAlchemy has it with a connection of its own
    return connection


def _is_kept_out(args: tuple[Any, ...], error: sqlite3.Error) -> bool:
    """Whether another process has the write lock that is to be taken."""
    return args[:1] == (_BEGINNING,) and error.sqlite_errorcode == sqlite3.SQLITE_BUSY


def _may_wait(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    name = getattr(fn, "__name__", "")
    if name == "execute":
        return str(args[0]).startswith(_LOCKING)
    if name == "close":  # a cursor's waits for nothing
        return not isinstance(getattr(fn, "__self__", None), sqlite3.Cursor)
    return name == "commit"
