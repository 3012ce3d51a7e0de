"""Once a day: what ended long ago leaves no contents of messages, lost clicks, watches behind."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.loop import give_way
from storage import Store, UnitOfWork

_AT_ONCE = 500  # rows in one unit of work: others must not wait for long to write
_DAILY = timedelta(days=1)

log = structlog.get_logger()


class Leftovers:
    """Forgets, after so many days, what only an open command needs; never the ledger or audit."""

    def __init__(self, store: Store, clock: Clock, days: int) -> None:
        self._store = store
        self._clock = clock
        self._kept = timedelta(days=days)
        self._due: timedelta | None = None

    async def forget(self) -> None:
        """Remove what has had its time, if that was not done today."""
        now, passed = self._clock.now(), self._clock.monotonic()
        if self._due is not None and passed < self._due:
            return
        before = now - self._kept
        gone = await self._messages(before, now)
        gone += await self._all(lambda tx: tx.leftovers.forget_votes(before, _AT_ONCE))
        gone += await self._all(lambda tx: tx.leftovers.forget_watches(before, _AT_ONCE))
        gone += await self._all(lambda tx: tx.access.forget(before, _AT_ONCE))
        gone += await self._all(lambda tx: tx.leftovers.forget_digests(before, _AT_ONCE))
        self._due = passed + _DAILY
        log.info("leftovers.forgotten", rows=gone, before=before.isoformat())

    async def _messages(self, before: datetime, now: datetime) -> int:
        after, gone = "", 0
        while True:
            async with self._store.write() as tx:
                after, count = await tx.leftovers.forget_messages(
                    before, now, after=after, limit=_AT_ONCE
                )
            gone += count
            if not after:
                return gone
            await give_way()

    async def _all(self, forget_some: Callable[[UnitOfWork], Awaitable[int]]) -> int:
        gone = 0
        while True:
            async with self._store.write() as tx:
                count = await forget_some(tx)
            gone += count
            if count < _AT_ONCE:
                return gone
