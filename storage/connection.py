"""What repositories do their work on: the open transaction, whichever database it is in."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, TypeVarTuple, overload

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.sql.selectable import TypedReturnsRows

from storage.prepared import Statements

Columns = TypeVarTuple("Columns")
Given = ParamSpec("Given")
Result = TypeVar("Result")

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class OpenConnection(Protocol):
    """The part of `AsyncConnection` that repositories use."""

    @property
    def dialect(self) -> Dialect:
        """The kind of database."""

    @property
    def sync_connection(self) -> Connection | None:
        """The synchronous connection underneath."""

    @overload
    async def execute(
        self, statement: TypedReturnsRows[*Columns], parameters: Parameters | None = None
    ) -> CursorResult[*Columns]: ...

    @overload
    async def execute(
        self, statement: Executable, parameters: Parameters | None = None
    ) -> CursorResult[*tuple[Any, ...]]: ...

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        """Carry a statement out."""

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row; None where there is none."""

    async def run_sync(
        self,
        fn: Callable[Concatenate[Connection, Given], Result],
        *arg: Given.args,
        **kw: Given.kwargs,
    ) -> Result:
        """Do work that is written for a connection without waiting."""

    def begin_nested(self) -> AbstractAsyncContextManager[Any, Any]:
        """A part of the transaction that can be undone alone."""


_STATEMENTS = Statements()
_NOTHING: dict[str, Any] = {}


def carried_out(connection: Connection, statement: Executable, parameters: Any = None) -> Any:
    """Carry a statement out, as a prepared one where it is asked of SQLite often."""
    given = _NOTHING if parameters is None else parameters
    # Whoever listens for statements hears of them from SQLAlchemy.
    is_plain = isinstance(given, dict) and not connection.dispatch.before_cursor_execute
    if is_plain and connection.dialect.name == "sqlite":
        prepared = _STATEMENTS.find(statement, given, connection.dialect)
        if prepared is not None:
            return prepared.carry_out(connection, given)
    return connection.execute(statement, parameters)


class InlineConnection:
    """A connection without waiting, asked as an `AsyncConnection` is.

    Each statement is carried out where it is asked for, so it has to be a short one.
    """

    __slots__ = ("dialect", "sync_connection")

    def __init__(self, connection: Connection) -> None:
        self.sync_connection = connection
        self.dialect: Dialect = connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> Any:
        """Carry a statement out."""
        return carried_out(self.sync_connection, statement, parameters)

    async def scalar(self, statement: Executable) -> Any:
        """The first column of the first row; None where there is none."""
        return (await self.execute(statement)).scalar()

    async def run_sync(
        self,
        fn: Callable[Concatenate[Connection, Given], Result],
        *arg: Given.args,
        **kw: Given.kwargs,
    ) -> Result:
        """Do work that is written for a connection of this kind."""
        return fn(self.sync_connection, *arg, **kw)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        """A part of the transaction that can be undone alone."""
        with self.sync_connection.begin_nested():
            yield
