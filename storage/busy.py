"""Transactions that others were in the way of: how it is told, and how long until the next try.

PostgreSQL undoes one of two that wait for each other; SQLite gives up where another process, such
as a backup, keeps its lock for longer than the busy timeout; a connection is lost, or its server
takes too long. Nothing was done then, unless that happens at the commit.
"""

import random
import sqlite3
import ssl
from collections.abc import Callable
from functools import partial

from sqlalchemy.exc import DBAPIError, InterfaceError

from bot.reply import Text, say

# PostgreSQL, Appendix A: serialization_failure, deadlock_detected, lock_not_available,
# idle_in_transaction_session_timeout, query_canceled (statement_timeout).
_SQLSTATES = frozenset({"40001", "40P01", "55P03", "25P03", "57014"})
# duplicate_prepared_statement, invalid_sql_statement_name: a pooler gives the server's connection
# to others as well.
FOREIGN = frozenset({"42P05", "26000"})
_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# Classes 28 (invalid authorization) and 3D (no such database); insufficient_privilege.
_UNFIT = ("28", "3D", "42501")
_SQLITE_UNFIT = frozenset({
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOTADB,
})  # fmt: skip
_PRIMARY = 0xFF  # of SQLite's extended codes

# Uneven, in seconds: two that were in each other's way come back one after the other.
PAUSES: tuple[Callable[[], float], ...] = tuple(
    partial(random.uniform, longest / 4, longest) for longest in (0.05, 0.2, 0.8)
)


def is_busy(error: BaseException) -> bool:
    """Whether the same may work in a moment; before the commit, none of it was done."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, (ConnectionError, TimeoutError))  # the driver's command timeout
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return sqlite_code(cause) in _SQLITE
    return error.connection_invalidated or sqlstate(error) in _SQLSTATES | FOREIGN


_CAUSES = {
    "25006": say("it is read-only"),
    "28000": say("it refuses the account"),
    "28P01": say("it refuses the account or its password"),
    "3D000": say("it has no database of this name"),
    "42501": say("the account lacks a right"),
    "53100": say("its disk is full"),
    "53200": say("it is out of memory"),
    "53300": say("it has too many connections"),
    "57P01": say("it was stopped"),
    "57P03": say("it is starting or stopping"),
}


def is_unfit(error: BaseException) -> bool:
    """Whether waiting is of no use: wrong settings, or a file that is no database."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return sqlite_code(cause) in _SQLITE_UNFIT
    return isinstance(cause, ssl.SSLCertVerificationError) or sqlstate(error).startswith(_UNFIT)


def is_unsure(error: BaseException) -> bool:
    """Whether a commit that failed like this may have been done all the same."""
    if not isinstance(error, DBAPIError):
        return True  # no answer at all
    if isinstance(error.orig, sqlite3.Error) or sqlstate(error) in _SQLSTATES:
        return False
    # An InterfaceError is the driver's own: it did not even send it.
    return error.connection_invalidated and not isinstance(error, InterfaceError)


def sqlstate(error: BaseException) -> str:
    """What PostgreSQL calls it; empty where it is nothing of PostgreSQL's.

    What is raised while connecting is the driver's own error.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


_POOLER = "08P01"  # protocol_violation: by this, PgBouncer refuses whatever it refuses


def postgres_cause(error: BaseException) -> Text:
    """What PostgreSQL says, in words of ours: its own may name accounts. Empty: nothing.

    A pooler has one code for everything, so its words are all that there is to know.
    """
    state = sqlstate(error)
    if state == _POOLER:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = str((cause and cause.__cause__) or cause)
        return say("a pooler refuses: {words}", words=said.partition("\n")[0])
    return _CAUSES.get(state, f"SQLSTATE {state}") if state else ""


def sqlite_code(error: sqlite3.Error) -> int:
    """SQLite's primary code, without what its extended ones add."""
    return int(getattr(error, "sqlite_errorcode", 0)) & _PRIMARY
