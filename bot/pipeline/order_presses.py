"""Clicks on warnings of rentals: who renews it, and whether more warnings are wanted.

Decided at the click: only who may see the order's machines may say something of it, no guest, and
only of the end that the warning was about, while that is still to come.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.ids import UserId
from bot.model import OrderPhase, Press, RentalOrder
from bot.orders.order_buttons import DONE, Handling, meant
from bot.pipeline.context import Services
from bot.pipeline.rights import require_colleague
from bot.ports import Answer, Work
from bot.reply import Reply, Text, say

Act = Callable[[RentalOrder, UserId], Awaitable[Text]]

_OVER = say("This warning is over: its order has another end, or is not yours.")


class OrderPresses:
    """Takes clicks on warnings."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            **{one: partial(self._take, partial(self._handle, one)) for one in Handling},
            DONE: partial(self._take, self._look_soon),
        }

    async def _take(self, act: Act, press: Press) -> Work:
        """Slack is asked who it is: where that gets lost, the warnings go on."""

        async def work(answer: Answer) -> None:
            await require_colleague(self._services, press.actor)
            order = await self._order(press)
            told = _OVER if order is None else await act(order, press.actor)
            await answer.say(Reply.of(told, private=True))

        return work

    async def _handle(self, handling: Handling, order: RentalOrder, actor: UserId) -> Text:
        if not await self._services.orders.handle(order, actor, handling):
            return say("That is known already.")
        return say("Everybody who is told of it knows now.")

    async def _look_soon(self, order: RentalOrder, _actor: UserId) -> Text:
        """Whether it is renewed, the chain tells; that it was signed proves nothing."""
        await self._services.orders.look_soon(order)
        return say(
            "I look at the chain within a minute. Everybody who is told of order {order} learns "
            "when it is renewed; until then the warnings go on.",
            order=str(order.number),
        )

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
