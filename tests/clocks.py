"""The clock of the machine that the bot runs on: somebody may set it, while time passes on.

And that of the running loop, by which sockets are given up: it goes ahead where a test wants it to.
"""

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from bot.clock import Clock

T = TypeVar("T")
_LIVELY = 0.5  # seconds after which what still goes on does nothing but wait
_BETWEEN = 0.01  # seconds
_STEP = timedelta(seconds=0.5)
_ALL_STOPS = timedelta(seconds=60)  # in which a bot has stopped, whatever it waits for

_ahead: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


class MachineClock:
    """Shows the time of the stage until it is set; Slack and the nodes have clocks of their own."""

    def __init__(self, true: Clock) -> None:
        self._true = true
        self._off = timedelta()
        self._passed = timedelta()
        self.looks_take = timedelta()  # no two looks at a real clock show the same moment

    def now(self) -> datetime:
        """What the machine shows."""
        self._passed += self.looks_take
        return self._true.now() + self._off + self._passed

    def monotonic(self) -> timedelta:
        """What really passes."""
        self._passed += self.looks_take
        return self._true.monotonic() + self._passed

    async def sleep(self, delay: timedelta) -> None:
        """Return when `delay` has passed."""
        await self._true.sleep(delay)

    def step(self, by: timedelta) -> None:
        """Set the clock forward, or back; no time passes."""
        self._off += by


def hurry(by: timedelta) -> None:
    """Let so much time pass at once for everything that the running loop has timed."""
    loop = asyncio.get_running_loop()
    is_first = loop not in _ahead
    _ahead[loop] = _ahead.get(loop, 0.0) + by.total_seconds()
    if is_first:
        time = loop.time
        loop.time = lambda: time() + _ahead[loop]  # type: ignore[method-assign]


async def unwaited(doing: Coroutine[Any, Any, T], within: timedelta = _ALL_STOPS) -> T:
    """What comes of this, which may wait for something that never comes: the time for it passes."""
    task = asyncio.create_task(doing)
    await asyncio.wait([task], timeout=_LIVELY)
    left = within
    while not task.done():
        assert left > timedelta(), f"it still waits after {within}: {task}"
        hurry(_STEP)
        left -= _STEP
        await asyncio.wait([task], timeout=_BETWEEN)
    return task.result()
