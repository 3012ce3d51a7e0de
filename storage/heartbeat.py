"""Heartbeats: renews the leases of what this process is working on, until the work ends.

A lease that runs out says that its process has died. So living work must never let one run out,
however slow DBC or Slack are, and must send nothing more once another process has taken it over.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import BotError
from bot.metrics import Metrics
from bot.model import Leased
from bot.reply import say
from storage import Store, UnitOfWork

HEARTBEAT = timedelta(seconds=10)
_SHARE = 3  # renewed after a third of its time, so that a heartbeat may fail

log = structlog.get_logger()


class LeaseLost(BotError):
    """Another process has taken the work over: nothing more is sent from here."""

    def __init__(self) -> None:
        super().__init__(
            say(
                "The bot stood still for so long that another process took over; this was not sent."
            ),
            hint=say("Check the present state, then request what is missing."),
        )


class Hold:
    """Leased rows of one kind that a task of this process is working on."""

    def __init__(self, kind: Leased, ids: Collection[str], lasts: timedelta, now: datetime) -> None:
        self.kind = kind
        self.ids = set(ids)
        self.lasts = lasts
        self._since = now

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to renew, which it also is where the clock was set back."""
        return not self._since <= now < self._since + self.lasts / _SHARE

    def renewed(self, held: Collection[str], now: datetime) -> None:
        """Keep the rows that were renewed; the others are somebody else's now, or nobody's."""
        self.ids.intersection_update(held)
        self._since = now

    def let_go(self, one: str) -> None:
        """Leave the lease of this row as it is from now on."""
        self.ids.discard(one)


class Leases:
    """What this process, called `by`, is working on."""

    def __init__(self, store: Store, clock: Clock, by: str, metrics: Metrics | None = None) -> None:
        self._metrics = metrics or Metrics()
        self._store = store
        self._clock = clock
        self._by = by
        self._holds: list[Hold] = []

    @contextmanager
    def holding(
        self,
        kind: Leased,
        ids: Collection[str],
        lasts: timedelta,
        since: datetime | None = None,
    ) -> Iterator[Hold]:
        """Renew the leases of these rows, taken for so long just now or `since`, while inside."""
        hold = Hold(kind, ids, lasts, since or self._clock.now())
        self._holds.append(hold)
        try:
            yield hold
        finally:
            self._holds.remove(hold)

    async def beat(self) -> None:
        """Renew what is due."""
        now = self._clock.now()
        if any(hold.is_due(now) for hold in self._holds):
            async with self._store.write() as tx:
                for kind in Leased:
                    await self.renew(tx, kind)

    async def renew(self, tx: UnitOfWork, kind: Leased) -> None:
        """Renew what is due of one kind; before a claim, so that it takes up no living work."""
        now = self._clock.now()
        for hold in [one for one in self._holds if one.kind is kind and one.is_due(now)]:
            held = await tx.leases.renew(kind, hold.ids, self._by, now + hold.lasts)
            hold.renewed(held, now)

    async def end(self) -> None:
        """Free what is left of a process that stops: others need not wait until its leases end.

        Call it once its work is broken off. What goes on all the same holds nothing any more, so
        it sends nothing. A killed process frees nothing, as nobody else can know that it is dead.
        """
        for hold in self._holds:
            hold.ids.clear()
        async with self._store.write() as tx:
            await tx.leases.release(self._by)

    async def ensure(self, kind: Leased, one: str, hold: Hold | None = None) -> None:
        """Raise LeaseLost unless this process still holds the row, for as long as a call takes.

        Give the caller's own `hold` where another task may have taken the row up since.
        """
        await self.beat()
        holds = self._holds if hold is None else [hold]
        if not any(known.kind is kind and one in known.ids for known in holds):
            self._metrics.lost_lease(kind)
            log.warning("lease.lost", kind=kind, id=one)
            raise LeaseLost
