"""Clicks on warnings of rentals: who renews it, and whether more warnings are wanted.

Decided at the click: only who may see the order's machines may say something of it, and only of
the end that the warning was about, while that is still to come.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.model import OrderPhase, Press, RentalOrder
from bot.orders.order_buttons import DONE, Handling, meant
from bot.pipeline.context import Services
from bot.pipeline.works import saying
from bot.ports import Work
from bot.reply import Reply, say

_OVER = say("This warning is over: its order has another end, or is not yours.")


class OrderPresses:
    """Takes clicks on warnings."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            **{handling: partial(self._handle, handling) for handling in Handling},
            DONE: self._look_soon,
        }

    async def _handle(self, handling: Handling, press: Press) -> Work:
        order = await self._order(press)
        if order is None:
            return saying(Reply.of(_OVER, private=True))
        if not await self._services.orders.handle(order, press.actor, handling):
            return saying(Reply.of(say("That is known already."), private=True))
        return saying(Reply.of(say("Everybody who is told of it knows now."), private=True))

    async def _look_soon(self, press: Press) -> Work:
        """Whether it is renewed, the chain tells; that it was signed proves nothing."""
        order = await self._order(press)
        if order is None:
            return saying(Reply.of(_OVER, private=True))
        await self._services.orders.look_soon(order)
        told = say(
            "I look at the chain within a minute. Everybody who is told of order {order} learns "
            "when it is renewed; until then the warnings go on.",
            order=str(order.number),
        )
        return saying(Reply.of(told, private=True))

    async def _order(self, press: Press) -> RentalOrder | None:
        order_id, ends = meant(press.value)
        async with self._services.store.read() as tx:
            order = await tx.orders.find(order_id)
        if order is None or order.phase is not OrderPhase.RENTING or order.ends != ends:
            return None
        orders = self._services.orders
        if orders.is_past(order) or not await orders.sees(order, press.actor):
            return None
        return order
