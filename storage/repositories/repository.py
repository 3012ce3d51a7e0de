"""What all repositories share: the open transaction, upserts, leases."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, Update, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.connection import OpenConnection

# No lease, retry or poll is ever set farther ahead. What lies farther was written before the clock
# was set back, and would stand still until then.
FARTHEST_AHEAD = timedelta(minutes=10)
# The clocks of two replicas are never quite the same.
APART = timedelta(minutes=1)

Word = TypeVar("Word", bound=Enum)


class Repository:
    """Reads and writes rows in the transaction of one unit of work."""

    def __init__(self, connection: OpenConnection) -> None:
        self._connection = connection

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT, which SQLAlchemy spells alike in two dialects."""
        return insert(self._connection, table)


def insert(
    connection: OpenConnection | Connection, table: Table
) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into `table` that knows ON CONFLICT in the connection's dialect."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def begins(dialect: str, column: ColumnElement[str], beginning: str) -> ColumnElement[bool]:
    """Whether a text begins like that, found by an index on the column.

    By the order of bytes. SQLite compares so; in PostgreSQL the index has `text_pattern_ops`.
    """
    end = f"{beginning}\U0010ffff"
    if dialect == "sqlite":
        return and_(column >= beginning, column < end)
    return and_(column.op("~>=~")(beginning), column.op("~<~")(end))


def is_free(table: Table, now: datetime) -> ColumnElement[bool]:
    """Whether nobody holds the lease of a row: none lasts longer than `FARTHEST_AHEAD`."""
    return or_(table.c.leased_until.is_(None), is_reached(table.c.leased_until, now))


def is_reached(
    moment: ColumnElement[datetime], now: datetime, farthest: timedelta = FARTHEST_AHEAD
) -> ColumnElement[bool]:
    """Whether a moment has come that was at most `farthest` away when it was set."""
    return or_(moment <= now, moment > now + farthest + APART)


def claiming(
    table: Table,
    conditions: Collection[ColumnElement[bool]],
    order: ColumnElement[datetime],
    limit: int | None,
) -> Update:
    """An UPDATE of up to `limit` rows (None: all) that meet the conditions.

    Those that somebody else is claiming at the moment are skipped.

    The rows are locked in a CTE, which PostgreSQL evaluates once; as a plain subquery it may be
    evaluated again and lock more than `limit`. SQLite has one writer and ignores the locking.
    """
    due = (
        select(table.c.id)
        .where(*conditions)
        .order_by(order)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return update(table).where(table.c.id.in_(select(due.c.id)))


def word(kind: type[Word], stored: object, otherwise: Word) -> Word:
    """The word that is stored; `otherwise` for one that this version does not know."""
    try:
        return kind(stored)
    except ValueError:
        return otherwise


def is_word(kind: type[Word], stored: object) -> bool:
    """Whether this version knows the word that is stored."""
    return any(stored == one.value for one in kind)


def texts(stored: Any) -> dict[str, str]:
    """A mapping that is stored; empty where it cannot be read."""
    return stored if isinstance(stored, dict) else {}
