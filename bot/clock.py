"""The only source of time. Tests wind theirs by hand."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_WORTH_SAYING = timedelta(seconds=5)
# Unlike CLOCK_MONOTONIC it goes on while the machine sleeps; Linux alone has it.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

# What stands for a moment that nobody can tell, since its record is damaged: long past, so nothing
# is allowed by it. People are told that it is not known.
UNTOLD = datetime(2000, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


class Clock(Protocol):
    """Tells the time, how much of it passes, and lets a coroutine wait."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

    def monotonic(self) -> timedelta:
        """Time since an arbitrary moment: never set, for durations within one process."""
        ...

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed."""
        ...


class SystemClock:
    """The machine's clock, which somebody may set at any time."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed; setting the machine's clock changes nothing."""
        await asyncio.sleep(delay.total_seconds())

    def monotonic(self) -> timedelta:
        """Time since the machine started."""
        return timedelta(seconds=time.clock_gettime(_ELAPSED))


class SteadyClock:
    """One process's own time: `machine` as it stood at the start, and what has passed since.

    However far somebody sets `machine` meanwhile: the durations between the moments of this clock
    are true, so nothing is due early, stands still, or is told to have taken what it has not. What
    people read is put in the time that `machine` shows (`shown`).
    """

    def __init__(self, machine: Clock) -> None:
        self.machine = machine
        self.began = self.measures_from = machine.now()
        self._at = machine.monotonic()
        self._set_by = timedelta()

    def now(self) -> datetime:
        """The present moment."""
        now = self.began + self.machine.monotonic() - self._at
        self._look_at_machine(now)
        return now

    def monotonic(self) -> timedelta:
        """Time since an arbitrary moment."""
        return self.machine.monotonic()

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed."""
        await self.machine.sleep(delay)

    def doubt(self, known: datetime) -> None:
        """Measure from nothing before `known`, a moment that a former process wrote down.

        Where it is yet to come, `machine` was set back between the two.
        """
        self.measures_from = max(self.measures_from, known)

    def ahead(self) -> timedelta:
        """How far `machine` has been set since the start; seconds that it gains are nothing."""
        self.now()
        return self._set_by

    def _look_at_machine(self, now: datetime) -> None:
        ahead = self.machine.now() - now
        if abs(ahead - self._set_by) >= _WORTH_SAYING:
            by, self._set_by = ahead - self._set_by, ahead
            log.warning("clock.was_set", seconds=round(by.total_seconds()))


@asynccontextmanager
async def time_limit(clock: Clock, limit: timedelta) -> AsyncIterator[asyncio.Timeout]:
    """Break off what is inside once `limit` has passed on the clock. Raises TimeoutError then."""
    async with asyncio.timeout(None) as scope:
        # From now on, not from the alarm's own first turn on a loop that may be busy.
        alarm = asyncio.create_task(_ring(clock, clock.monotonic() + limit, scope))
        try:
            yield scope
        finally:
            alarm.cancel()


async def _ring(clock: Clock, until: timedelta, scope: asyncio.Timeout) -> None:
    await clock.sleep(until - clock.monotonic())
    scope.reschedule(asyncio.get_running_loop().time())


def readings(clock: Clock) -> tuple[datetime, ...]:
    """What may be the present moment to others: where the machine's clock was set, one is wrong."""
    return clock.now(), clock.now() + _ahead(clock)


def was_set(clock: Clock) -> bool:
    """Whether the machine's clock was set since this process began."""
    return _ahead(clock) != timedelta()


def shown(clock: Clock, at: datetime) -> datetime:
    """A moment of `clock` as people are told it: by the machine's clock as it is now."""
    return at if at == UNTOLD else at + _ahead(clock)


def meant(clock: Clock, told: datetime) -> datetime:
    """The moment of `clock` that people are told like this: the inverse of `shown`."""
    return told if told == UNTOLD else told - _ahead(clock)


def measured(clock: Clock, since: datetime | None) -> timedelta | None:
    """How long ago `since` was; None where it was before this process, for nobody measured that.

    Two processes know only what the machine's clock showed to each, and it may have been set.
    """
    now = clock.now()
    first = clock.measures_from if isinstance(clock, SteadyClock) else _ALWAYS
    return None if since is None or not first <= since <= now else now - since


def began(clock: Clock) -> datetime:
    """When the process of `clock` began; one that is of no process has been there always."""
    return clock.began if isinstance(clock, SteadyClock) else _ALWAYS


def _ahead(clock: Clock) -> timedelta:
    return clock.ahead() if isinstance(clock, SteadyClock) else timedelta()
