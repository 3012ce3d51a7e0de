"""What all repositories share: the open transaction, upserts, leases."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Executable,
    Integer,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from storage.connection import OpenConnection
from storage.tables import UtcDateTime

# No lease, retry or poll is ever set farther ahead. What lies farther was written before the clock
# was set back, and would stand still until then.
FARTHEST_AHEAD = timedelta(minutes=10)
# The clocks of two replicas are never quite the same.
APART = timedelta(minutes=1)

# Statements that are carried out often are built once, with parameters that are given each time:
# to put one together takes much longer than to carry it out. Their names are no columns'.
NOW = bindparam("its_now", type_=UtcDateTime())
LIMIT = bindparam("its_limit", type_=Integer())
_LAST = "\U0010ffff"  # behind every text that begins alike
_BEGINNING, _END = (bindparam(f"its_{name}", type_=Text()) for name in ("beginning", "end"))

Word = TypeVar("Word", bound=Enum)


class Repository:
    """Reads and writes rows in the transaction of one unit of work."""

    def __init__(self, connection: OpenConnection) -> None:
        self._connection = connection

    @property
    def _dialect(self) -> str:
        return self._connection.dialect.name

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT, which SQLAlchemy spells alike in two dialects."""
        return insert(self._connection, table)


def insert(
    connection: OpenConnection | Connection, table: Table
) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into `table` that knows ON CONFLICT in the connection's dialect."""
    return inserting(connection.dialect.name, table)


@cache
def renewing(dialect: str, table: Table, *news: str) -> Executable:
    """An INSERT of rows; those whose primary key is there get these columns anew."""
    upsert = inserting(dialect, table)
    return upsert.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={name: upsert.excluded[name] for name in news}
    )


def inserting(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT into `table` that knows ON CONFLICT in a dialect."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def begins(
    dialect: str, column: ColumnElement[str], beginning: str | None = None
) -> ColumnElement[bool]:
    """Whether a text begins like that, by default as `begun` gives it; found by an index.

    By the order of bytes. SQLite compares so; in PostgreSQL the index has `text_pattern_ops`.
    """
    first: Any = _BEGINNING if beginning is None else beginning
    end: Any = _END if beginning is None else beginning + _LAST
    if dialect == "sqlite":
        return and_(column >= first, column < end)
    return and_(column.op("~>=~")(first), column.op("~<~")(end))


def begun(beginning: str) -> dict[str, str]:
    """The parameters of `begins`."""
    return {"its_beginning": beginning, "its_end": beginning + _LAST}


def is_free(table: Table) -> ColumnElement[bool]:
    """Whether nobody holds the lease of a row: none lasts longer than `FARTHEST_AHEAD`."""
    return or_(table.c.leased_until.is_(None), is_reached(table.c.leased_until))


def is_reached(
    moment: ColumnElement[datetime], farthest: timedelta = FARTHEST_AHEAD
) -> ColumnElement[bool]:
    """Whether a moment has come that was at most `farthest` away when it was set."""
    return or_(*reached(moment, farthest))


def reached(
    moment: ColumnElement[datetime], farthest: timedelta = FARTHEST_AHEAD
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """The halves of `is_reached`: each by itself is a range of an index."""
    return moment <= NOW, moment > _ahead(farthest)


def _ahead(farthest: timedelta) -> BindParameter[datetime]:
    return bindparam(f"its_now_{farthest.seconds}", type_=UtcDateTime())


def at(now: datetime, *farther: timedelta) -> dict[str, datetime]:
    """The parameters of `is_free` and `is_reached`, there also with what is `farther`."""
    ahead = {_ahead(one).key: now + one + APART for one in (FARTHEST_AHEAD, *farther)}
    return {NOW.key: now, **ahead}


def claiming(
    table: Table,
    conditions: Collection[ColumnElement[bool]],
    order: ColumnElement[datetime],
    limit: ColumnElement[int] | None = None,
    *,
    first: ColumnElement[int] | None = None,
) -> Update:
    """An UPDATE of up to `limit` rows (None: all) that meet the conditions.

    Those that somebody else is claiming at the moment are skipped.

    The rows are locked in a CTE, which PostgreSQL evaluates once; as a plain subquery it may be
    evaluated again and lock more than `limit`. SQLite has one writer and ignores the locking.
    """
    due = (
        select(table.c.id)
        .where(*conditions)
        .order_by(*(() if first is None else (first,)), order)
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
