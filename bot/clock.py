"""The only source of time. Tests wind theirs by hand."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

# A clock that is set further than this is believed at once: it was wrong before, or the machine
# was paused. Less is more often a mistake, and soon corrected.
FARTHEST = timedelta(hours=3)
# Of all that passes, this share goes into following a clock that was set. Every margin between
# lease, retry and deadline is wider.
_FOLLOWING = 0.1
_WORTH_SAYING = timedelta(seconds=5)
# Unlike CLOCK_MONOTONIC it goes on while the machine sleeps; Linux alone has it.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

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
    """A clock whose hands are never moved: the durations between its moments are true.

    Where `machine` is set forward or back, this one goes on and follows at a tenth of the speed,
    so that nothing due stands still, nothing expires early and no lease seems to have run out.
    Set by more than `FARTHEST`, `machine` is believed at once.
    """

    def __init__(self, machine: Clock) -> None:
        self.machine = machine
        self._now = machine.now()
        self._at = machine.monotonic()
        self._left = timedelta()  # how far `machine` was still ahead after the last look

    def now(self) -> datetime:
        """The present moment."""
        shown, at = self.machine.now(), self.machine.monotonic()
        passed, self._at = at - self._at, at
        ahead = shown - self._now - passed
        self._say_if_set(ahead)
        if abs(ahead) <= FARTHEST:
            most = passed * _FOLLOWING
            ahead = min(max(ahead, -most), most)
        self._left = shown - self._now - passed - ahead
        self._now += passed + ahead
        return self._now

    def monotonic(self) -> timedelta:
        """Time since an arbitrary moment."""
        return self.machine.monotonic()

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed."""
        await self.machine.sleep(delay)

    def _say_if_set(self, ahead: timedelta) -> None:
        by = ahead - self._left
        if abs(by) >= _WORTH_SAYING:
            log.warning("clock.was_set", seconds=round(by.total_seconds()))


def readings(clock: Clock) -> tuple[datetime, ...]:
    """What may be the present moment to others: where the machine's clock was set, one is wrong."""
    if isinstance(clock, SteadyClock):
        return clock.now(), clock.machine.now()
    return (clock.now(),)
