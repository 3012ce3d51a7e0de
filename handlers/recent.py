"""A bounded memory of recent things, for what may be lost in a restart. Knows nothing of Slack."""

from collections import OrderedDict
from datetime import timedelta
from typing import Generic, TypeVar

from bot.clock import Clock

T = TypeVar("T")


class Recent(Generic[T]):
    """Values by key: each for `lifetime` after it was put, and no more than `size` of them."""

    def __init__(self, clock: Clock, *, size: int, lifetime: timedelta) -> None:
        self._clock = clock
        self._size = size
        self._lifetime = lifetime
        self._entries: OrderedDict[str, tuple[timedelta, T]] = OrderedDict()

    def put(self, key: str, value: T) -> None:
        """Remember `value`; the oldest is forgotten where there is no room."""
        self._entries[key] = (self._clock.monotonic() + self._lifetime, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def get(self, key: str) -> T | None:
        """What was put under `key`, unless it is too long ago."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        until, value = entry
        if self._clock.monotonic() >= until:
            del self._entries[key]
            return None
        return value
