"""What the clockwork has to go on with, looked up once for all jobs that begin together."""

import asyncio

from storage import Open, Store


class Agenda:
    """The kinds of work that are open, whoever has begun them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next: asyncio.Task[frozenset[Open]] | None = None  # a look that has not begun
        self._last: tuple[int, frozenset[Open]] | None = None  # and what had ended by then

    async def now(self) -> frozenset[Open]:
        """What is open, with all that anybody has committed before this was called.

        Whoever asks before the look has begun shares it. Raises StorageFailed.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._look(), name="agenda")
            self._next.add_done_callback(_noticed)
        return await asyncio.shield(self._next)

    async def since_own_work(self) -> frozenset[Open]:
        """The same, by a look that may be older, but not than anything this process has written."""
        if self._last is None or self._last[0] != self._store.ended:
            ended = self._store.ended
            self._last = ended, await self.now()
        return self._last[1]

    def forget(self) -> None:
        """Look again: others may have written."""
        self._last = None

    async def _look(self) -> frozenset[Open]:
        self._next = None
        async with self._store.read() as tx:
            return await tx.open_work.kinds()


def _noticed(look: asyncio.Task[frozenset[Open]]) -> None:
    """A failure that nobody waits for any more is nobody's: the clockwork has been stopped."""
    if not look.cancelled():
        look.exception()
