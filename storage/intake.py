"""Group commit: many callers, one transaction, one flush to the disk.

A flush costs milliseconds and a person's acknowledgement waits for it. What arrives while one is
under way shares the next. Knows no table: what a batch does is given.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, Protocol, TypeVar

import structlog

from bot.errors import BotError
from bot.reply import say
from storage.busy import PAUSES
from storage.errors import StorageBusy, StorageFailed, StorageUnsure

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)
# May be called as the last thing before the commit, in whatever thread that happens; it may raise.
Seal = Callable[[], None]

log = structlog.get_logger()

# One statement carries a batch; SQLite takes 32,766 parameters in one and a row here has about 20.
LARGEST_BATCH = 500


class Commit(Protocol[Item_contra, Result_co]):
    """Stores items and gives one result for each, in order."""

    async def __call__(
        self, items: Sequence[Item_contra], seal: Seal, /, *, again: bool
    ) -> Sequence[Result_co]:
        """Store them. `again`: by a commit of which nobody knows the end, they may be there."""
        ...


class _Left(Exception):
    """Somebody has stopped waiting before the commit began: nothing of theirs may be stored."""


class _Entry(Generic[Item, Result]):
    """An item, and whether it may still be left out; the caller and the commit's thread ask."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.is_unwanted = False
        self._is_sealed = False
        self._lock = threading.Lock()

    def leave(self) -> bool:
        """The caller gives up; False where a commit of it is under way, which then decides."""
        with self._lock:
            self.is_unwanted = True
            return not self._is_sealed

    def seal(self) -> bool:
        """The commit begins; False where nobody wants it any more.

        What an earlier commit has sealed stays sealed: it may be stored already.
        """
        with self._lock:
            self._is_sealed = self._is_sealed or not self.is_unwanted
            return self._is_sealed

    def unseal(self) -> None:
        """The commit has failed."""
        with self._lock:
            self._is_sealed = False


class GroupCommit(Generic[Item, Result]):
    """Hands items to `commit` in batches; each caller gets its own result or the batch's error.

    `commit` returns one result an item, in order, when the batch is durable. It may call the seal
    that it gets just before: without that, who is cancelled does not know what is stored. A batch
    that others were in the way of is done again after each of the `pauses`. So is one of which
    nobody knows whether it was stored: doing it twice has to come to the same. After that, no
    failure says that nothing is stored.
    """

    def __init__(
        self, commit: Commit[Item, Result], pauses: Sequence[Callable[[], float]] = PAUSES
    ) -> None:
        self._commit = commit
        self._pauses = pauses
        self._waiting: list[_Entry[Item, Result]] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, item: Item) -> Result:
        """Commit an item; returns when it is durable.

        Where `commit` calls the seal, a caller who is cancelled leaves nothing behind: either the
        item is not stored, or its commit was under way, and the result is returned all the same.
        """
        if self._closed:
            raise StorageFailed(say("The bot is stopping and takes nothing more."))
        entry: _Entry[Item, Result] = _Entry(item)
        self._waiting.append(entry)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        while True:
            try:
                return await asyncio.shield(entry.done)
            except asyncio.CancelledError:
                if entry.done.cancelled() or entry.leave():
                    entry.done.cancel()
                    raise

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
        pauses = iter(self._pauses)
        unsure: StorageUnsure | None = None
        while batch := _wanted(batch):
            items = [entry.item for entry in batch]
            try:
                results = await self._commit(items, partial(_seal, batch), again=unsure is not None)
            except _Left:
                continue
            except asyncio.CancelledError:
                for entry in batch:
                    entry.done.cancel()
                raise
            except (StorageBusy, StorageUnsure) as error:
                unsure = error if isinstance(error, StorageUnsure) else unsure
                pause = next(pauses, None)
                if pause is None or self._closed:
                    _fail(batch, error, unsure)
                    return
                if unsure is None:  # else what is stored decides
                    _unseal(batch)
                await asyncio.sleep(pause())
            except Exception as error:  # noqa: BLE001 - it goes to every caller
                _fail(batch, error, unsure)
                return
            else:
                _tell(batch, results)
                return


def _wanted(batch: Sequence[_Entry[Item, Result]]) -> list[_Entry[Item, Result]]:
    """Those of which somebody still wants to know; the others are told that nothing is stored."""
    wanted = []
    for entry in batch:
        if entry.is_unwanted and entry.leave():
            entry.done.cancel()
        else:
            wanted.append(entry)
    return wanted


def _seal(batch: Sequence[_Entry[Item, Result]]) -> None:
    if not all(entry.seal() for entry in batch):
        _unseal(batch)
        raise _Left


def _unseal(batch: Sequence[_Entry[Item, Result]]) -> None:
    for entry in batch:
        entry.unseal()


def _tell(batch: Sequence[_Entry[Item, Result]], results: Sequence[Result]) -> None:
    for entry, result in zip(batch, results, strict=True):
        if not entry.done.done():
            entry.done.set_result(result)


def _fail(
    batch: Sequence[_Entry[Item, Result]], error: Exception, unsure: StorageUnsure | None
) -> None:
    """Tell every caller the failure; after an `unsure` commit that one, whatever failed since."""
    if unsure is not None:
        log.warning("intake.unsure", exc_info=error)
    for entry in batch:
        if not entry.done.done():
            entry.done.set_exception(_copy(unsure or error))


def _copy(error: Exception) -> Exception:
    """Each caller's own error: one raised in many places would collect all their tracebacks."""
    if not isinstance(error, BotError):
        return error
    own = type(error)(error.sentence, hint=error.hint, field=error.field)
    own.__cause__ = error.__cause__
    return own
