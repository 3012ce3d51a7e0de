"""For how long Slack may have been waiting for what is read now.

Slack counts from when it delivers; what lies in a buffer meanwhile, since this process stands
still, looks new when it is read. Knows nothing of what is delivered.
"""

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.clock import Clock, SystemClock

_BEAT = timedelta(seconds=0.25)
# A busy machine keeps the loop from its turn for tenths of a second; that is nobody's standstill.
STANDSTILL = timedelta(seconds=1)
# What lay in the system's buffers is read at once after a standstill; this allows for a machine
# that has to fetch its memory from the disk first.
_CATCHING_UP = timedelta(seconds=1)
# Slack's timestamps are whole seconds.
_WHOLE = timedelta(seconds=1)
# How much two clocks drift apart at most, both disciplined: 500 ppm is the most that NTP corrects.
_DRIFT = 500e-6

NOTHING = timedelta()

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrival:
    """When something was read (monotonic), and for how long it may have lain unread."""

    at: timedelta
    lay: timedelta

    def waited(self, clock: Clock) -> timedelta:
        """How long Slack may have waited by now."""
        return clock.monotonic() - self.at + self.lay


# Of the delivery that this task works on; None where nobody noted it.
arrival: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


class Pulse:
    """Knows when this process stood still: stopped, suspended with its machine, or busy.

    `lagged` is told how late the loop comes to each beat, in seconds.
    By real time, also in tests: whoever winds a clock by hand does not stand still.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        lagged: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._lagged = lagged
        self._last = self._clock.monotonic()
        self._beating: asyncio.Task[None] | None = None
        self.standstills = 0
        self.began = self.ended = self._last  # the last standstill

    def start(self) -> None:
        """Beat from now on."""
        if self._beating is None:
            self._last = self._clock.monotonic()
            self._beating = asyncio.create_task(self._beat(), name="pulse")

    async def stop(self) -> None:
        """Beat no more."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None

    def now(self) -> timedelta:
        """The present moment, as passes also while the machine sleeps."""
        return self._clock.monotonic()

    def look(self) -> None:
        """Take note of a standstill that has just ended; whoever reads something does this first,
        since the next beat may come after it.
        """
        now = self.now()
        if self._beating is not None and now - self._last >= STANDSTILL:
            self.standstills += 1
            self.began, self.ended = self._last, now
            log.warning("process.stood_still", seconds=round((now - self._last).total_seconds(), 1))
        self._last = now

    def lay(self) -> timedelta:
        """For how long what is read now may have lain unread: as long as the standstill from which
        this process has not caught up yet.
        """
        self.look()
        now = self.now()
        is_behind = self.standstills and now - self.ended < _CATCHING_UP
        return now - self.began if is_behind else NOTHING

    async def _beat(self) -> None:
        while True:
            due = asyncio.get_running_loop().time() + _BEAT.total_seconds()
            await asyncio.sleep(_BEAT.total_seconds())
            self._lagged(max(asyncio.get_running_loop().time() - due, 0.0))
            self.look()


class Backlog:
    """What a connection may have held back while the process stood still.

    The machine's network stood still with it, so some of it may arrive well after. Only the answer
    to a ping of afterwards shows that all of it is here: whatever comes before it may be as old as
    the standstill.
    """

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self._known = pulse.standstills
        self._asked = NOTHING
        self._since: timedelta | None = None

    def question(self) -> bytes:
        """What to ping with, as the process has stood still; empty where it has not."""
        self._pulse.look()
        if self._pulse.standstills == self._known:
            return b""
        self._known = self._pulse.standstills
        self._asked = self._pulse.now()
        self._since = self._pulse.began if self._since is None else self._since
        return self._word()

    def answered(self, word: bytes) -> None:
        """Take the answer to a ping; the one to another question says nothing."""
        if word == self._word():
            self._since = None

    def is_stuck(self, patience: timedelta) -> bool:
        """Whether the answer takes too long: then nobody knows how old anything is."""
        return self._since is not None and self._pulse.now() - self._asked > patience

    def lay(self) -> timedelta:
        """For how long what comes now may have lain unread."""
        return NOTHING if self._since is None else self._pulse.now() - self._since

    def _word(self) -> bytes:
        return b"standstill %d" % self._known


class SignedTimes:
    """How old Slack's requests are by the time that Slack signed.

    Neither clock has to be right: the request that came soonest after it was signed shows how far
    they are apart, as far as whole seconds can. Time is what passes, so setting our machine's clock
    changes nothing.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._apart: float | None = None  # seconds; the least that was seen
        self._seen = NOTHING

    def age(self, signed: int) -> tuple[timedelta, timedelta]:
        """The least and the most that a request signed then can be old."""
        now = self._clock.monotonic()
        apart = now.total_seconds() - signed
        if self._apart is None:
            self._apart, self._seen = apart, now
            return NOTHING, timedelta.max
        drift = (now - self._seen).total_seconds() * _DRIFT
        about = timedelta(seconds=apart - self._apart - drift)
        self._apart, self._seen = min(apart, self._apart + drift), now
        most = about + timedelta(seconds=2 * drift) + _WHOLE
        return max(about - _WHOLE, NOTHING), max(most, NOTHING)
