"""When Slack takes the next call of a kind: none is sent into a window that Slack has closed.

Slack counts calls by method and workspace, and what is posted by channel. A refusal (429) says how
long nothing more is taken, not of how many calls the next window consists: so messages go on one by
one for a while. Knows nothing of what is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from bot.clock import Clock
from bot.ids import ChannelId
from bot.ports import RATE_LIMITED, PutOff

T = TypeVar("T")

POST = "chat.postMessage"
# A person waits for most answers: what Slack puts off longer than this is for who can wait.
PATIENCE = timedelta(seconds=5)
_ATTEMPTS = 3
# Slack asks for a minute at the most; an odd answer keeps nobody waiting for longer than this.
LONGEST = timedelta(minutes=2)
# A window is a minute long; after one in which nobody had to wait it is as before.
_CALM = timedelta(minutes=1)
# Each may still be refused where one is, so they are few; but one that Slack is slow with must not
# stand in the way of all.
_AT_ONCE = 5
# How far apart they are where many wait, see https://docs.slack.dev/apis/web-api/rate-limits. What
# is read takes several calls for one answer: that is not drawn out.
_APART = {POST: timedelta(seconds=1), "chat.update": timedelta(minutes=1) / 50}
# A person waits for each of these, or what hangs on it: they wait for no other call.
_HASTY = frozenset(
    {
        "usergroups.list",
        "users.info",
        "views.open",
        "views.publish",
        "views.push",
        "views.update",
    }
)
# Their trigger_id lives for 3 s: what Slack puts off is offered in another way at once.
_BY_TRIGGER = frozenset({"views.open", "views.push"})


@dataclass(slots=True)
class _Window:
    """Calls that Slack counts together; moments are those of the monotonic clock."""

    every: timedelta  # apart, once Slack has refused one
    under_way: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    closed_until: timedelta = timedelta()
    slow_until: timedelta = timedelta()
    next_at: timedelta = timedelta()

    def left(self, now: timedelta) -> timedelta:
        """How long until it takes a call; nothing where it takes one now."""
        left = max(self.closed_until, self.next_at) - now
        if left <= timedelta():
            return timedelta()
        self.slow_until = max(self.slow_until, now + left + _CALM)
        return left

    def book(self, now: timedelta) -> timedelta:
        """How long to wait for one's turn, which is taken."""
        left = self.left(now)
        if now < self.slow_until:
            self.next_at = now + left + self.every
        return left

    def refused(self, now: timedelta, wait: timedelta) -> None:
        """Close it. Whoever has a turn already finds that out."""
        self.closed_until = self.next_at = now + wait
        self.slow_until = self.closed_until + _CALM


class Pacing:
    """All calls of one connection."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def put_off(self, method: str, channel: ChannelId) -> PutOff | None:
        """What a call that cannot wait would be put off with; None where it can be sent."""
        window = self._window(method, channel)
        left = window.left(self._clock.monotonic())
        return PutOff(RATE_LIMITED, left, window.every) if left else None

    async def send(
        self, method: str, channel: ChannelId, call: Callable[[], Awaitable[T]], patience: timedelta
    ) -> T:
        """What `call` gives, in its turn; again where Slack puts it off for no longer than that.

        Raises PutOff, without a call where Slack has said before that it takes none yet.
        """
        window = self._window(method, channel)
        patience = timedelta() if method in _BY_TRIGGER else patience
        attempts = 0
        while True:
            await self._turn(window, patience)
            if method in _HASTY:
                return await self._sent(window, call)
            async with window.under_way:
                if window.closed_until > self._clock.monotonic():
                    continue
                attempts += 1
                try:
                    return await self._sent(window, call)
                except PutOff as refusal:
                    if attempts == _ATTEMPTS or refusal.wait > patience:
                        raise

    async def _turn(self, window: _Window, patience: timedelta) -> None:
        now = self._clock.monotonic()
        if (left := window.left(now)) > patience:
            raise PutOff(RATE_LIMITED, left, window.every)
        if wait := window.book(now):
            await self._clock.sleep(wait)

    async def _sent(self, window: _Window, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except PutOff as refusal:
            wait = min(refusal.wait, LONGEST)
            window.refused(self._clock.monotonic(), wait)
            raise PutOff(refusal.reason, wait, window.every) from refusal

    def _window(self, method: str, channel: ChannelId) -> _Window:
        key = (method, channel if method == POST else "")
        if key not in self._windows:
            self._windows[key] = _Window(_APART.get(method, timedelta()))
        return self._windows[key]
