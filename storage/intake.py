"""Group commit: many callers, one transaction, one flush to the disk.

A flush costs milliseconds and a person's acknowledgement waits for it. What arrives while one is
under way shares the next. Knows no table: what a batch does is given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.errors import BotError
from storage.errors import StorageFailed

Item = TypeVar("Item")
Result = TypeVar("Result")

# One statement carries a batch; SQLite takes 32,766 parameters in one and a row here has about 20.
LARGEST_BATCH = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Entry(Generic[Item, Result]):
    item: Item
    done: asyncio.Future[Result]


class GroupCommit(Generic[Item, Result]):
    """Hands items to `commit` in batches; each caller gets its own result or the batch's error.

    `commit` returns one result an item, in order, when the batch is durable.
    """

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]]) -> None:
        self._commit = commit
        self._waiting: list[_Entry[Item, Result]] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: Item) -> Result:
        """Commit an item; returns when it is durable.

        A caller who is cancelled stops waiting; the item may be committed all the same.
        """
        if self._closed:
            raise StorageFailed("The bot is stopping and takes nothing more.")
        entry: _Entry[Item, Result] = _Entry(item, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await entry.done

    async def close(self) -> None:
        """Take nothing more and wait until everything taken is committed."""
        self._closed = True
        if self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[:LARGEST_BATCH]
                del self._waiting[:LARGEST_BATCH]
                await self._write_batch(batch)
        finally:
            self._writer = None
            # Only left over when the writer itself was cancelled, as the loop came to its end.
            for entry in self._waiting:
                entry.done.cancel()
            self._waiting.clear()

    async def _write_batch(self, batch: Sequence[_Entry[Item, Result]]) -> None:
        try:
            results = await self._commit([entry.item for entry in batch])
        except asyncio.CancelledError:
            for entry in batch:
                entry.done.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it goes to every caller
            for entry in batch:
                if not entry.done.done():
                    entry.done.set_exception(_copy(error))
        else:
            for entry, result in zip(batch, results, strict=True):
                if not entry.done.done():
                    entry.done.set_result(result)


def _copy(error: Exception) -> Exception:
    """Each caller's own error: one raised in many places would collect all their tracebacks."""
    if not isinstance(error, BotError):
        return error
    own = type(error)(error.sentence, hint=error.hint, field=error.field)
    own.__cause__ = error.__cause__
    return own
