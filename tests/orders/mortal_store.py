"""A database whose process is killed in the middle of what it does there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage import Store, UnitOfWork


class Killed(BaseException):
    """The process is no more, wherever it was."""


class MortalStore(Store):
    """A database whose process may be killed: before a write, before its commit, or behind it.

    A dead process does nothing more: nothing that is still open gets at the database again.
    """

    left: int | None = None  # steps until it is killed

    def _steps(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                raise Killed

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work; death before the commit undoes it, behind it nobody learns of it."""
        self._steps()
        async with super().write() as tx:
            yield tx
            self._steps()
        self._steps()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads."""
        self._steps()
        async with super().read() as tx:
            yield tx
