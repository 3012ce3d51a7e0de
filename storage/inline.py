"""A SQLite connection that changes threads only where it may have to wait."""

import sqlite3
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import aiosqlite

P = ParamSpec("P")
Result = TypeVar("Result")

# These wait for another process, as a commit waits for the disk: all else is in the page cache.
_LOCKING = ("BEGIN IMMEDIATE", "PRAGMA")
_ROWS_AT_ONCE = 64


class InlineConnection(aiosqlite.Connection):
    """Carries a statement out where it is asked for, not in the connection's own thread.

    Handing a statement over and waiting for it costs several times what the statement itself
    does: 0.1 ms each for the cursor, the statement, its rows and the end. Whatever may be long
    (a scan of a table that grows) belongs on an ordinary connection, or nobody else gets a turn.
    """

    _handed_over = 0

    async def _execute(self, fn: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        if self._handed_over or _may_wait(fn, args) or self._connection is None:
            self._handed_over += 1
            try:
                return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-any-return, no-untyped-call]
            finally:
                self._handed_over -= 1
        return fn(*args, **kwargs)


def connect(database: str, **options: Any) -> InlineConnection:
    """What SQLAlchemy calls for a new connection, with the options of `sqlite3.connect`."""
    options["check_same_thread"] = False
    connection = InlineConnection(lambda: sqlite3.connect(database, **options), _ROWS_AT_ONCE)
    connection._thread.daemon = True  # as SQLAlchemy has it with a connection of its own
    return connection


def _may_wait(fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    name = getattr(fn, "__name__", "")
    if name == "execute":
        return str(args[0]).startswith(_LOCKING)
    if name == "close":  # a cursor's waits for nothing
        return not isinstance(getattr(fn, "__self__", None), sqlite3.Cursor)
    return name == "commit"
