"""Stores the results of deliveries; those that end at the same time share a commit."""

from collections.abc import Awaitable, Callable, Sequence

from storage import StorageFailed, Store, UnitOfWork
from storage.intake import GroupCommit, Seal

# Stores one result; runs again from the start where another transaction was in the way.
Work = Callable[[UnitOfWork], Awaitable[None]]


class Results:
    """Stores all results of the moment in one unit of work."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Others that are in the way are waited for below, in `attempts`.
        self._writer: GroupCommit[Work, Exception | None] = GroupCommit(self._write, pauses=())

    async def keep(self, work: Work) -> None:
        """Return once it is written down; whoever is cancelled meanwhile does not know whether."""
        error = await self._writer.submit(work)
        if error is not None:
            raise error

    async def close(self) -> None:
        """Take nothing more, once what was taken is written down."""
        await self._writer.close()

    async def _write(
        self, works: Sequence[Work], _seal: Seal, /, *, again: bool
    ) -> Sequence[Exception | None]:
        del again  # it comes to the same
        try:
            await self._together(works)
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001 - it goes to whose it is
            if len(works) == 1:
                return [error]
            return [await self._alone(work) for work in works]
        return [None] * len(works)

    async def _alone(self, work: Work) -> Exception | None:
        try:
            await self._together([work])
        except StorageFailed:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            return error
        return None

    async def _together(self, works: Sequence[Work]) -> None:
        async for attempt in self._store.attempts():
            async with attempt as tx:
                for work in works:
                    await work(tx)
