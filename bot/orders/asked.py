"""Reads an order at once when somebody asks of it near a deadline, or of what is signed for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bot.chain.reader import ChainReader, ChainView
from bot.clock import Clock
from bot.model import OrderPhase, RentalOrder
from bot.orders.changes import Looked
from bot.orders.schedule import HOUR, head_at
from bot.orders.unreadable import Unreadable
from storage import StorageFailed, Store

_PATIENCE = timedelta(seconds=4)  # whoever asks waits for it
_AGAIN = timedelta(seconds=5)  # after one that could not be read
_LATELY = timedelta(minutes=15)  # an order is looked at more often
_JUST_NOW = timedelta(minutes=2)  # and one that waits for its confirmation, every 12 seconds

log = structlog.get_logger()

Looks = Callable[[RentalOrder, ChainView | None], Awaitable[tuple[Looked, int, bool]]]


class Asked:
    """What the chain has of an order now. Nothing is told or written down: the next look does."""

    def __init__(
        self,
        store: Store,
        chain: ChainReader,
        clock: Clock,
        view: Callable[[], Awaitable[ChainView | None]],
        looks: Looks,
        odd: Unreadable,
    ) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._view = view
        self._looks = looks
        self._odd = odd
        self._failed_at: timedelta | None = None

    def is_lately(self, order: RentalOrder) -> bool:
        """Whether an order was read as often as it has to be."""
        if order.phase.is_over:
            return True  # nothing new is expected of it
        lately = _JUST_NOW if order.phase is OrderPhase.WAITING else _LATELY
        is_told = order.missing_since is None and order.id not in self._odd.known
        return is_told and self._chain.now - order.seen_at < lately

    async def read(self, order: RentalOrder, *, signs: bool) -> tuple[RentalOrder, bool] | None:
        """The order as it is now, and whether it could be read; None where that is not needed.

        It is where it may be confirmed or renewed at any moment, and where somebody `signs` for it.
        """
        if not self._chain.is_on or order.phase not in {OrderPhase.WAITING, OrderPhase.RENTING}:
            return None
        is_near = order.ends - head_at(order, self._chain.now) <= HOUR
        if not (signs or is_near or order.phase is OrderPhase.WAITING):
            return None
        passed = self._clock.monotonic()
        if self._failed_at is not None and passed - self._failed_at < _AGAIN:
            return order, False
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
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
