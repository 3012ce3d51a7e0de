"""The clock of the machine that the bot runs on: somebody may set it, while time passes on.

And that of the running loop, by which sockets are given up: it goes ahead where a test wants it to.
"""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, cast

import pytest

from bot.clock import Clock

try:
    from uvloop import Loop as LikeProduction
except ImportError:  # as in bot/loop.py
    from asyncio import SelectorEventLoop as LikeProduction  # type: ignore[assignment]

T = TypeVar("T")
_TURNS = Path("/proc/thread-self/schedstat")  # Linux: nanoseconds that this thread ran, and waited
Given = TypeVarTuple("Given")
_EXACT = 0.002  # seconds, as whole milliseconds are rounded
_LIVELY = 0.5  # seconds after which what still goes on does nothing but wait
_BETWEEN = 0.01  # seconds
_STEP = timedelta(seconds=0.5)
_ALL_STOPS = timedelta(seconds=60)  # in which a bot has stopped, whatever it waits for


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


class Loop(LikeProduction):
    """The loop that production runs on, with a time that can go ahead.

    It stands still while other processes keep this one from its turn: on a busy machine nothing
    is given up sooner, measured in what could be done meanwhile, than on an idle one.
    """

    def __init__(self) -> None:
        """As any other loop, with nothing timed."""
        self._ahead = 0.0
        self._turns = os.open(_TURNS, os.O_RDONLY | os.O_CLOEXEC) if _TURNS.exists() else None
        self._timers: set[_Timer] = set()
        self._over: BaseException | None = None
        super().__init__()

    def time(self) -> float:
        """What the loop's timers go by."""
        return time.monotonic() - self._kept_waiting() + self._ahead

    def close(self) -> None:
        """Close it, as any other loop; that may be done twice."""
        super().close()
        if self._turns is not None:
            os.close(self._turns)
            self._turns = None

    def _kept_waiting(self) -> float:
        """For how many seconds its thread has wanted a processor while others had them."""
        if self._turns is None:
            return 0.0
        return int(os.pread(self._turns, 64, 0).split()[1]) / 1e9

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back then, or when the time has gone ahead so far."""
        now = self.time()
        return self._timed(now + delay, now, partial(callback, *args), context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Given], object],
        *args: *Given,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """The same, at a moment of this loop's time."""
        return self._timed(when, self.time(), partial(callback, *args), context)

    def _timed(
        self, when: float, now: float, call: Callable[[], object], context: Context | None
    ) -> asyncio.TimerHandle:
        timer = _Timer(self._timers, when, call, context)
        timer.handle = self._due(timer, now)
        return cast(asyncio.TimerHandle, timer)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Write down what failed; what says that a test takes too long ends it."""
        if isinstance(error := context.get("exception"), pytest.fail.Exception):
            self._over = error
            self.stop()
        else:
            super().call_exception_handler(context)

    def run_forever(self) -> None:
        """Run until it is stopped, or a test has taken too long: a signal tells so."""
        super().run_forever()
        if self._over is not None:
            over, self._over = self._over, None
            raise over

    def goes_ahead(self, by: timedelta) -> None:
        """So much time passes at once."""
        self._ahead += by.total_seconds()
        now = self.time()
        for timer in sorted(self._timers, key=_Timer.when):
            timer.handle.cancel()
            timer.handle = self._due(timer, now)

    def _due(self, timer: "_Timer", now: float) -> asyncio.TimerHandle:
        # Each of both kinds of loops times everything by the one method that is asked here.
        if isinstance(self, asyncio.BaseEventLoop):
            return super().call_at(timer.when(), timer.fire, context=timer.context)
        left = max(0.0, timer.when() - now)
        return super().call_later(left, self._rings, timer, context=timer.context)

    def _rings(self, timer: "_Timer") -> None:
        """It is due by the machine's clock; by this loop's it may have to wait some more."""
        now = self.time()
        if timer.when() - now > _EXACT:
            timer.handle = self._due(timer, now)
        else:
            timer.fire()


class _Timer:
    """What a loop calls at a moment, unless it is cancelled before."""

    __slots__ = ("_call", "_pending", "_when", "context", "handle")
    handle: asyncio.TimerHandle

    def __init__(
        self,
        pending: "set[_Timer]",
        when: float,
        call: Callable[[], object],
        context: Context | None,
    ) -> None:
        self.context = context
        self._pending, self._when, self._call = pending, when, call
        pending.add(self)

    def when(self) -> float:
        return self._when

    def fire(self) -> None:
        self._pending.discard(self)
        self._call()

    def cancel(self) -> None:
        self._pending.discard(self)
        self.handle.cancel()

    def cancelled(self) -> bool:
        return self.handle.cancelled()


def hurry(by: timedelta) -> None:
    """Let so much time pass at once for everything that the running loop has timed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, Loop)
    loop.goes_ahead(by)


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
