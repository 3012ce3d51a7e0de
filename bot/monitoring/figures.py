"""Brings the gauges up to date when somebody asks for them: what is open, and how old it is."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.dbc.presence import Presence
from bot.health import Health
from bot.metrics import Metrics
from storage import StorageFailed, Store

# Scraped more often, or by several, it costs the database no more.
_FRESH = timedelta(seconds=5)
_PATIENCE = 2.0  # seconds; Prometheus itself gives up after ten


class Gauges:
    """Reads the figures of the database. Raises nothing: `database_up` says whether it could."""

    def __init__(
        self,
        metrics: Metrics,
        store: Store,
        health: Health,
        clock: Clock,
        tick_age: Callable[[], timedelta],
        daemons: Presence,
    ) -> None:
        self._standing = metrics.standing
        self._store = store
        self._health = health
        self._clock = clock
        self._tick_age = tick_age
        self._daemons = daemons
        self._read_at: timedelta | None = None

    async def refresh(self) -> None:
        """Set every gauge to what is true now."""
        standing, health = self._standing, self._health
        standing.ready.set(not health.reasons)
        standing.impairments.set(health.amiss)
        standing.dbc_daemons_up.set(self._daemons.up)
        standing.tick_age.set(self._tick_age().total_seconds())
        now = self._clock.monotonic()
        if self._read_at is not None and now - self._read_at < _FRESH:
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._read()
        except (StorageFailed, TimeoutError):
            standing.database_up.set(0)
            self._read_at = None
        else:
            standing.database_up.set(1)
            self._read_at = now

    async def _read(self) -> None:
        now, standing = self._clock.now(), self._standing
        async with self._store.read() as tx:
            found = await tx.figures.read(now)
            frozen = await tx.freezes.find()
        standing.frozen.set(frozen is not None)
        standing.watches_open.set(found.watches_open)
        standing.watches_overdue.set(found.watches_overdue)
        standing.watch_lag.set(_age(found.watch_due, now))
        standing.outbox_messages.set(found.messages_due)
        standing.outbox_age.set(_age(found.message_oldest, now))
        standing.approvals_waiting.set(found.approvals_waiting)
        standing.approval_age.set(_age(found.approval_oldest, now))
        for status, count in found.commands_open.items():
            standing.commands_open.labels(status).set(count)


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max((now - since).total_seconds(), 0.0)
