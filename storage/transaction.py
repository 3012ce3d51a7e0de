"""One transaction: nobody breaks off its commit, and it is told which failures undo all of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import TextClause
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.reply import say
from storage.busy import is_busy, is_unfit, is_unsure, sqlstate
from storage.errors import StorageBusy, StorageFailed, StorageUnfit, StorageUnsure

Result = TypeVar("Result")


# By its task, so that what it starts meanwhile is not taken for it.
_deciding: ContextVar[asyncio.Task[Any] | None] = ContextVar("deciding", default=None)


@contextmanager
def deciding() -> Iterator[None]:
    """Let what this task commits in here decide: whoever cancels it during a commit is too late.

    So nobody is told that nothing was done of what is stored.
    """
    before = _deciding.set(asyncio.current_task())
    try:
        yield
    finally:
        _deciding.reset(before)


def is_deciding() -> bool:
    """Whether the present task is `deciding`."""
    task = _deciding.get()
    return task is not None and task is asyncio.current_task()


@asynccontextmanager
async def transaction(
    engine: AsyncEngine, first: TextClause | None = None, *, decisive: bool = False
) -> AsyncIterator[AsyncConnection]:
    """A transaction that commits at its end; `first` is the statement with which it begins.

    Whoever is cancelled before the commit leaves nothing behind. A commit under way goes on to its
    end; `decisive`: and then so does the caller, since it is stored.
    """
    async with engine.connect() as connection, connection.begin() as begun:
        if first is not None:
            await connection.execute(first)
        yield connection
        with _at_commit():
            _, was_cancelled = await to_its_end(begun.commit())
    if was_cancelled and not decisive:
        raise asyncio.CancelledError


async def to_its_end(work: Awaitable[Result]) -> tuple[Result, bool]:
    """Do the work whatever becomes of the caller; says whether that was cancelled meanwhile."""
    task, was_cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            was_cancelled = True
    return task.result(), was_cancelled


@contextmanager
def _at_commit() -> Iterator[None]:
    """The server may have committed, where it was lost without saying so."""
    try:
        yield
    except (DBAPIError, OSError) as error:
        if is_unsure(error):
            raise StorageUnsure(
                say("The bot lost its database while storing this. It may be stored."),
                hint=say("See what became of it before you repeat it."),
            ) from error
        raise


@contextmanager
def failures(file: Path | None = None) -> Iterator[None]:
    """Turn a database out of reach, out of space or out of order into `StorageFailed`.

    A broken constraint or a wrong statement is a mistake of ours and passes as it is.
    """
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError) as error:
        if not is_busy(error):
            raise
        raise _meant(error, file) from error
    except (DBAPIError, PoolTimeout, OSError) as error:  # OSError: nobody listens, or answers
        raise _meant(error, file) from error
    except Exception as error:  # asyncpg's own have no class in common with these
        if not sqlstate(error):  # else PostgreSQL's answer to a connection, which nobody wraps
            raise
        raise _meant(error, file) from error


def _meant(error: Exception, file: Path | None) -> StorageFailed:
    kind = StorageUnfit if is_unfit(error) else StorageBusy if is_busy(error) else StorageFailed
    failed = kind(
        say("The bot's database could not be read or written."),
        hint=say("Try again in a minute. If it goes on, tell whoever runs this bot."),
    )
    failed.file = file
    return failed
