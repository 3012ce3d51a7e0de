"""One question for all who ask it at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Generic, TypeVar

from bot.clock import Clock, time_limit

K = TypeVar("K")
T = TypeVar("T")

_SLOW = timedelta(seconds=1)  # whoever has no answer by then keeps no other from asking


class Together(Generic[K, T]):
    """Asks about a thing once for all who want to know, and never before they did.

    Whoever comes while a question is under way shares the next one with those who come meanwhile:
    the answer that is under way may tell how it was before. What it fails with, all are told.
    """

    def __init__(self, ask: Callable[[K], Awaitable[T]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._under_way: dict[K, asyncio.Task[T]] = {}
        self._next: dict[K, asyncio.Task[T]] = {}

    async def __call__(self, about: K) -> T:
        """The answer. Whoever is cancelled meanwhile takes it from nobody else."""
        asking = self._next.get(about)
        if asking is None:
            before = self._under_way.get(about)
            asking = asyncio.create_task(self._after(before, about))
            (self._under_way if before is None else self._next)[about] = asking
        return await asyncio.shield(asking)

    async def _after(self, before: asyncio.Task[T] | None, about: K) -> T:
        if before is not None:
            with suppress(TimeoutError):
                async with time_limit(self._clock, _SLOW):
                    await asyncio.wait([before])
            self._under_way[about] = self._next.pop(about)
        try:
            return await self._ask(about)
        finally:
            if self._under_way.get(about) is asyncio.current_task():
                del self._under_way[about]
