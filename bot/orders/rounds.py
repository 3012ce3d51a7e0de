"""Bounds how long a round of looks reads the chain, and tells whose turn it is.

Nodes may be slow, or refuse what is more than they allow. Whoever is not read in time is looked at
from what is known, which gives the last warnings, and is read first in the next round.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.chain.reader import ChainView
from bot.clock import Clock, time_limit
from bot.model import OrderPhase, RentalOrder

_READS = timedelta(seconds=15)  # a countdown may be so much late, with what a search takes
_SIDE_BY_SIDE = 10
_FORGOTTEN = timedelta(hours=1)
# An order that waits for its confirmation is read so many times as often as another one.
_WAITING_FIRST = 5

Views = Callable[[], Awaitable[ChainView | None]]


class Round:
    """One round: `turn` for each order, `limit` around what it reads, `view` of the chain."""

    def __init__(self, clock: Clock, views: Views, tried: dict[str, timedelta]) -> None:
        self._clock = clock
        self._views = views
        self._tried = tried
        self._until = clock.monotonic() + _READS
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._is_unread = False

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Let only some be looked at side by side, in the order in which they came."""
        async with self._turns:
            yield

    @asynccontextmanager
    async def limit(self, order: RentalOrder) -> AsyncIterator[None]:
        """Read an order inside. Raises TimeoutError once the round has read for long enough."""
        passed = self._clock.monotonic()
        if passed >= self._until:
            raise TimeoutError
        self._tried[order.id] = passed
        async with time_limit(self._clock, self._until - passed):
            yield

    async def view(self) -> ChainView | None:
        """The chain as it is now; None for the rest of the round once it could not be read."""
        if self._is_unread:
            return None
        view = await self._views()
        self._is_unread = view is None
        return view


class Rounds:
    """Begins rounds, and remembers for the next one who was read when."""

    def __init__(self, clock: Clock, views: Views) -> None:
        self._clock = clock
        self._views = views
        self._tried: dict[str, timedelta] = {}

    def begin(self, due: Sequence[RentalOrder]) -> tuple[Round, list[RentalOrder]]:
        """A new round, and those that are due: first who has waited longest for a read."""
        passed = self._clock.monotonic()
        for one in [one for one, at in self._tried.items() if passed - at >= _FORGOTTEN]:
            del self._tried[one]

        def waits(order: RentalOrder) -> timedelta:
            since = passed - self._tried.get(order.id, passed - _FORGOTTEN)
            return since * (_WAITING_FIRST if order.phase is OrderPhase.WAITING else 1)

        turns = sorted(due, key=waits, reverse=True)
        return Round(self._clock, self._views, self._tried), turns
