"""Looks for what Slack was sent and did not answer, until it can be excluded.

For what is said while a person waits; what lasts is the outbox's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.ports import (
    COPIES_WITHIN,
    DeliveryFailed,
    LockedOut,
    Unanswered,
    look_again_after,
)

T = TypeVar("T")

log = structlog.get_logger()

_PAUSES = tuple(timedelta(seconds=seconds) for seconds in (1, 2, 4, 8, 15))
# Each time it may have to be excluded again: a Slack that is silent for longer is left alone.
_POSTS = 3


async def found(
    clock: Clock, until: timedelta, look: Callable[[], Awaitable[T | None]]
) -> T | None:
    """What `look` finds, now or later; None once it has found nothing after `until` (monotonic).

    Raises DeliveryFailed where Slack does not let us look.
    """
    pauses = iter(_PAUSES)
    while True:
        is_last = clock.monotonic() >= until
        try:
            one = await look()
        except DeliveryFailed as failure:
            if is_last or isinstance(failure, LockedOut) or failure.retry_after is None:
                raise
            one = None
        if one is not None or is_last:
            return one
        left = until - clock.monotonic()
        await clock.sleep(max(min(next(pauses, _PAUSES[-1]), left), timedelta(milliseconds=1)))


async def once(
    clock: Clock,
    do: Callable[[], Awaitable[T]],
    look: Callable[[], Awaitable[T | None]],
    doubled: Callable[[], None],
) -> T:
    """What `do` gives; where it is not answered, what `look` finds, before it is done again.

    `doubled` is called when it is: Slack may carry out both. Raises DeliveryFailed.
    """
    for post in range(_POSTS):
        try:
            return await do()
        except Unanswered as lost:
            if post == _POSTS - 1:
                raise
            log.warning("slack_unanswered", reason=lost.reason, then="It is looked for.")
            one = await found(clock, clock.monotonic() + lost.settles_within, look)
            if one is not None:
                return one
            if post == 0:
                doubled()
    raise AssertionError("unreachable")


class Aftermath:
    """Looks on, long after, for what Slack carries out of that which was given up and done again.

    In memory: what it looks for does not outlast the process.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    def look_on(self, tidy: Callable[[], Awaitable[None]]) -> None:
        """Do `tidy` from time to time, until nothing can come any more."""
        task = asyncio.create_task(self._look_on(tidy), name="look for copies")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop looking."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_on(self, tidy: Callable[[], Awaitable[None]]) -> None:
        began = self._clock.monotonic()
        while (passed := self._clock.monotonic() - began) < COPIES_WITHIN:
            await self._clock.sleep(look_again_after(passed))
            try:
                await tidy()
            except DeliveryFailed as failure:
                log.info("copies.not_seen", reason=failure.reason)
            except Exception:  # the next look may see them
                log.exception("copies.not_seen")
