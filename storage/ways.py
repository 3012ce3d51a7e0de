"""The ways into a database: reading, browsing, writing, and taking in. Knows no database."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from bot.reply import say
from storage.connection import OpenConnection
from storage.errors import StorageFailed
from storage.presence import Presence

Result = TypeVar("Result")


class Engines(ABC):
    """Where to read and where to write; every way raises `StorageFailed` (storage.transaction).

    `file` is there with SQLite only; with `presence`, nothing is written once the file is gone
    or spoilt.
    """

    file: Path | None = None
    presence: Presence | None = None
    is_scrubbed = True  # whether nothing that was erased stands in the journal still
    is_closed = False
    is_pooled = False  # a pooler stands between, once it has been used

    def ensure_open(self) -> None:
        """Begin nothing once all is closed: nobody would close it again."""
        if self.is_closed:
            raise StorageFailed(
                say("The bot is stopping and has closed its database, so nothing was done."),
                hint=say("Try again once it is back."),
            )

    @abstractmethod
    def reading(self) -> AbstractAsyncContextManager[OpenConnection]:
        """A transaction that waits for no writer.

        With SQLite all its queries see one state; with PostgreSQL (READ COMMITTED) each sees what
        was committed before it began, so that two of them may differ.
        """

    @abstractmethod
    def browsing(self, *, many_rows: bool = False) -> AbstractAsyncContextManager[OpenConnection]:
        """Like `reading`, for what may go through a whole table that grows.

        `many_rows`: it gives hundreds of rows, which take long also where the table is small.
        """

    @abstractmethod
    def writing(self, *, decisive: bool = False) -> AbstractAsyncContextManager[OpenConnection]:
        """A transaction that may write, in turn: no two ever wait for each other.

        With PostgreSQL this holds for all replicas. One that hangs holds the others up for as long
        as the server lets it. Whoever is cancelled before the commit leaves nothing behind. A
        commit under way goes on to its end; `decisive`: and then so does the caller, since it is
        stored.
        """

    @abstractmethod
    def migrating(self) -> AbstractAsyncContextManager[OpenConnection]:
        """Like `writing`, for as long as it takes: a long history has long indexes."""

    @abstractmethod
    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Do `work` in a transaction of its own, the fastest way there is, before all who queue.

        Somebody waits, so it waits for no turn.
        """

    def glance(self) -> int | None:
        """How many changes were counted (`storage.repositories.versions`), where that can be told
        at once, without a unit of work.
        """
        return None

    @abstractmethod
    async def scrub(self) -> None:
        """Empty SQLite's journal, where the former content of an erased row still stands.

        It waits for nobody: a reader that is under way can prevent it, and then it `is_scrubbed`
        no more until this is called again, or the file is closed.
        """

    @abstractmethod
    async def dispose(self) -> None:
        """Close every connection, and open no more; what waits already goes on to its end."""
