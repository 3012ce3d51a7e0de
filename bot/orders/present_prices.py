"""What rentals cost now and what was just paid for them, as far as the chain tells it in time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeVar

from bot.chain.errors import ChainError
from bot.chain.price import Prices
from bot.chain.reader import ChainReader, ChainView
from bot.clock import Clock, time_limit
from bot.ids import NodeId
from bot.model import Payment, RentalOrder
from bot.orders.offers import Offer, fee_in, offer_of
from bot.orders.pricing import unrecorded
from storage import Store

T = TypeVar("T")

_PATIENCE = timedelta(seconds=4)  # whoever asks, or is warned, waits for it
_AGAIN = timedelta(seconds=10)  # so long nobody else waits for nodes that took too long


class PresentPrices:
    """Reads the prices of machines."""

    def __init__(self, store: Store, chain: ChainReader, clock: Clock) -> None:
        self._store = store
        self._chain = chain
        self._clock = clock
        self._gave_up_at: timedelta | None = None

    async def of(self, node: NodeId) -> Prices | None:
        """The prices of a machine; None where the chain does not tell them, or takes too long."""
        return await self._told(lambda view: view.prices(node))

    async def paid(self, order: RentalOrder) -> Sequence[Payment]:
        """What was paid for an order: by the books, and what the chain tells that they lack yet."""
        async with self._store.read() as tx:
            known = await tx.money.payments([order.id])
        if known and known[-1].ends >= order.ends:
            return known
        return [*known, *(await self._told(lambda view: unrecorded(view, order, known)) or ())]

    async def _told(self, ask: Callable[[ChainView], Awaitable[T | None]]) -> T | None:
        """What the chain tells; None where it does not, or takes too long."""
        passed = self._clock.monotonic()
        if self._gave_up_at is not None and passed - self._gave_up_at < _AGAIN:
            return None
        try:
            async with time_limit(self._clock, _PATIENCE):
                return await ask(await self._chain.view())
        except TimeoutError:
            self._gave_up_at = self._clock.monotonic()
        except ChainError:
            pass
        return None

    async def of_some(self, nodes: Iterable[NodeId]) -> dict[NodeId, Prices]:
        """The same of several machines, of those that it tells."""
        asked = list(dict.fromkeys(nodes))
        found = await asyncio.gather(*(self.of(node) for node in asked))
        return {node: one for node, one in zip(asked, found, strict=True) if one is not None}

    async def offer(self, order: RentalOrder) -> Offer | None:
        """What a day of an order costs, and as long as it was paid for last."""
        async with self._store.read() as tx:
            paid = await tx.money.payments([order.id])
        return offer_of(order, await self.of(order.node), paid)

    async def fee(self, order: RentalOrder) -> int | None:
        """What was taken once when it was rented: by the books, else what the chain takes now."""
        async with self._store.read() as tx:
            booked = fee_in(await tx.money.payments([order.id]))
        if booked is not None:
            return booked
        prices = await self.of(order.node)
        return prices.fee if prices is not None else None
