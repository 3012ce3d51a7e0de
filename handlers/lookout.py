"""Looks for what Slack was sent and did not answer, until it can be excluded.

For what is said while a person waits; what lasts is the outbox's business.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from bot.clock import Clock
from bot.ports import DeliveryFailed, LockedOut, Unanswered

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
    clock: Clock, do: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[T | None]]
) -> T:
    """What `do` gives; where it is not answered, what `look` finds, before it is done again.

    Raises DeliveryFailed.
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
    raise AssertionError("unreachable")
