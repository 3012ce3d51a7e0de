"""A bounded memory of recent things, for what may be lost in a restart. Knows nothing of Slack."""

from datetime import timedelta
from typing import TypeVar

from cachetools import TTLCache

from bot.clock import Clock

T = TypeVar("T")


def remember(clock: Clock, *, size: int, lifetime: timedelta) -> TTLCache[str, T]:
    """A memory of up to `size` values by key, each for `lifetime` after it was put."""
    return TTLCache(size, lifetime.total_seconds(), lambda: clock.monotonic().total_seconds())
