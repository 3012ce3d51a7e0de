"""Time inside the sandbox: wound by hand in tests, hurried along in the demo.

Knows nothing of nodes or HTTP.
"""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

ZERO = timedelta(0)
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Clock(Protocol):
    """Tells the time and lets a coroutine wait for a later one."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed on this clock."""
        ...


class ManualClock:
    """Stands still until it is advanced."""

    def __init__(self, start: datetime = EPOCH) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._fell_asleep = asyncio.Condition()

    def now(self) -> datetime:
        """The moment the clock was last wound to."""
        return self._now

    def monotonic(self) -> timedelta:
        """The time that has passed by this clock."""
        return self._now - EPOCH

    def advance(self, delta: timedelta) -> datetime:
        """Wind the clock forward and wake whoever waited for a moment passed by."""
        self._now += delta
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, waker = heapq.heappop(self._sleepers)
            if not waker.done():
                waker.set_result(None)
        return self._now

    async def sleep(self, delay: timedelta) -> None:
        """Return when the clock has been advanced by `delay`."""
        if delay <= ZERO:
            return
        waker = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + delay, next(self._order), waker))
        async with self._fell_asleep:
            self._fell_asleep.notify_all()
        await waker

    async def sleeping(self, count: int = 1) -> None:
        """Return when at least `count` coroutines wait for a later moment."""
        await self.until(lambda: self._awaited() >= count)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when this holds; looked at whenever somebody has begun to wait."""
        async with self._fell_asleep:
            await self._fell_asleep.wait_for(holds)

    def _awaited(self) -> int:
        return sum(not waker.done() for _, _, waker in self._sleepers)


class RunningClock:
    """Runs `speed` times as fast as the machine's clock; can be pushed forward as well."""

    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._started = datetime.now(UTC)
        self._pushed = ZERO
        self._push = asyncio.Event()

    def now(self) -> datetime:
        """The present moment on this clock."""
        real = datetime.now(UTC) - self._started
        return self._started + real * self.speed + self._pushed

    def monotonic(self) -> timedelta:
        """The time that has passed by this clock."""
        return self.now() - self._started

    def advance(self, delta: timedelta) -> datetime:
        """Skip `delta`, return the new time."""
        self._pushed += delta
        self._push.set()
        self._push = asyncio.Event()
        return self.now()

    async def sleep(self, delay: timedelta) -> None:
        """Return after `delay` of this clock, sooner when it is pushed."""
        until = self.now() + delay
        while (left := until - self.now()) > ZERO:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._push.wait(), left.total_seconds() / self.speed)
