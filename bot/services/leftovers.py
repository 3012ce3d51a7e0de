"""Once a day: what ended long ago leaves no messages, clicks and watches behind."""

from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from storage import Store

_AT_ONCE = 500  # rows in one unit of work: others must not wait for long to write
_DAILY = timedelta(days=1)

log = structlog.get_logger()


class Leftovers:
    """Forgets, after so many days, what only an open command needs; never the ledger or audit."""

    def __init__(self, store: Store, clock: Clock, days: int) -> None:
        self._store = store
        self._clock = clock
        self._kept = timedelta(days=days)
        self._due: datetime | None = None

    async def forget(self) -> None:
        """Remove what has had its time, if that was not done today."""
        now = self._clock.now()
        if self._due is not None and now < self._due:
            return
        self._due = now + _DAILY
        before = now - self._kept
        gone = await self._messages(before, now)
        gone += await self._votes(before) + await self._watches(before)
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

    async def _votes(self, before: datetime) -> int:
        gone = 0
        while True:
            async with self._store.write() as tx:
                count = await tx.leftovers.forget_votes(before, _AT_ONCE)
            gone += count
            if count < _AT_ONCE:
                return gone

    async def _watches(self, before: datetime) -> int:
        gone = 0
        while True:
            async with self._store.write() as tx:
                count = await tx.leftovers.forget_watches(before, _AT_ONCE)
            gone += count
            if count < _AT_ONCE:
                return gone
