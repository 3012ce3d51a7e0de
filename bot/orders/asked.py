"""Reads an order at once when somebody asks of it near a deadline, or of what is signed for it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.chain.reader import ChainReader, ChainView
from bot.clock import Clock, time_limit
from bot.model import OrderPhase, RentalOrder
from bot.orders.changes import Looked
from bot.orders.finding import Searched
from bot.orders.schedule import awaits_news, head_at, is_near
from storage import StorageFailed, Store

_PATIENCE = timedelta(seconds=4)  # whoever asks waits for it
_SHARED = timedelta(seconds=5)  # for all who ask of the same order: no block comes sooner
_SIDE_BY_SIDE = 10
_AGAIN = timedelta(seconds=5)  # after one that could not be read
_LATELY = timedelta(minutes=15)  # an order is looked at more often
# One that may be confirmed or renewed at any moment is read every 12 seconds, or every minute.
_JUST_NOW = timedelta(minutes=2)
_SOON = timedelta(minutes=3)

log = structlog.get_logger()

Looks = Callable[[RentalOrder, ChainView | None], Awaitable[tuple[Looked, int, bool]]]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One read of an order, begun at `at`, when so much was `known` of it."""

    known: RentalOrder
    at: timedelta
    task: asyncio.Task[tuple[RentalOrder, bool]]


class Asked:
    """What the chain has of an order now. Nothing is told or written down: the next look does."""

    def __init__(
        self,
        store: Store,
        chain: ChainReader,
        clock: Clock,
        view: Callable[[], Awaitable[ChainView | None]],
        looks: Looks,
        searched: Searched,
    ) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._view = view
        self._looks = looks
        self._searched = searched
        self._failed_at: timedelta | None = None
        self._readings: dict[str, _Reading] = {}
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)

    def is_lately(self, order: RentalOrder) -> bool:
        """Whether an order was read as often as it has to be; none was while the chain is not."""
        if not awaits_news(order):
            return True
        if self._searched.unread_since is not None:
            return False
        lately = _SOON if is_near(order, head_at(order, self._chain.now)) else _LATELY
        if order.phase is OrderPhase.WAITING:
            lately = _JUST_NOW
        is_told = order.missing_since is None and order.id not in self._searched.odd.known
        return is_told and self._chain.now - order.seen_at < lately

    async def read(self, order: RentalOrder, *, signs: bool) -> tuple[RentalOrder, bool] | None:
        """The order as it is now, and whether it could be read; None where that is not needed.

        It is where it may be confirmed or renewed at any moment, and where somebody `signs` for it.
        """
        if not self._chain.is_on or not awaits_news(order):
            return None
        if not (signs or is_near(order, head_at(order, self._chain.now))):
            return None
        passed = self._clock.monotonic()
        found = self._reading(order)
        if found is None:
            task = asyncio.create_task(self._read(order, passed), name="order read")
            found = self._readings[order.id] = _Reading(_known(order), passed, task)
        return await asyncio.shield(found.task)

    def at_once(self, order: RentalOrder) -> tuple[RentalOrder, bool]:
        """The order as it is known now, and whether it was read lately: this reads nothing."""
        found = self._reading(order)
        if found is not None and found.task.done():
            return found.task.result()
        return order, self.is_lately(order)

    def _reading(self, order: RentalOrder) -> _Reading | None:
        """The read that whoever asks now shares, unless more is known of the order by now."""
        passed = self._clock.monotonic()
        for old in [key for key, one in self._readings.items() if passed - one.at >= _SHARED]:
            del self._readings[old]
        found = self._readings.get(order.id)
        return found if found is not None and found.known == _known(order) else None

    async def _read(self, order: RentalOrder, passed: timedelta) -> tuple[RentalOrder, bool]:
        try:
            return await self._read_now(order, passed)
        except BaseException:  # whoever asks later must not share what broke off
            self._readings.pop(order.id, None)
            raise

    async def _read_now(self, order: RentalOrder, passed: timedelta) -> tuple[RentalOrder, bool]:
        if self._failed_at is not None and passed - self._failed_at < _AGAIN:
            return order, False
        try:
            async with time_limit(self._clock, _PATIENCE), self._turns:
                found, _, is_read = await self._looks(order, await self._view())
        except TimeoutError:
            self._failed_at = passed
            return order, False
        except StorageFailed:
            raise
        except Exception:  # a fault of ours keeps nobody from what is known
            log.exception("order.look_failed", order=order.id)
            return order, False
        if not is_read and found.order.missing_since is None:
            self._failed_at = passed
            return order, False
        if found.event is not None or found.order.newest_ends != order.newest_ends:
            now = self._clock.now()
            async with self._store.write() as tx:
                await tx.orders.look_by(order.id, now)
        return found.order, is_read


def _known(order: RentalOrder) -> RentalOrder:
    """What is known of it: not when it is looked at next."""
    return replace(order, next_look_at=order.created_at)
