"""Transactions that others were in the way of: how it is told, and how long until the next try.

PostgreSQL undoes one of two that wait for each other; SQLite gives up where another process, such
as a backup, keeps its lock for longer than the busy timeout. Nothing was done then.
"""

import random
import sqlite3
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import DBAPIError

# PostgreSQL, Appendix A: serialization_failure, deadlock_detected, lock_not_available.
_SQLSTATES = frozenset({"40001", "40P01", "55P03"})
_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY = 0xFF  # of SQLite's extended codes

# Uneven, in seconds: two that were in each other's way come back one after the other.
PAUSES: tuple[Callable[[], float], ...] = tuple(
    partial(random.uniform, longest / 4, longest) for longest in (0.05, 0.2, 0.8)
)


def is_busy(error: DBAPIError) -> bool:
    """Whether the same may work in a moment, and none of it was done."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY in _SQLITE
    return getattr(cause, "sqlstate", None) in _SQLSTATES
