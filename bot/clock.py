"""The only source of time. Tests wind theirs by hand."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC, and lets a coroutine wait."""

    def now(self) -> datetime:
        """The present moment."""
        ...

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed; setting the machine's clock changes nothing."""
        await asyncio.sleep(delay.total_seconds())
