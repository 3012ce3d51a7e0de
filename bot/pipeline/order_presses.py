"""Clicks on warnings of rentals: who renews it, and whether more warnings are wanted.

Decided at the click: only who may see the order's machines may say something of it, no guest, and
only of the end that the warning was about, while that is still to come.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.ids import UserId
from bot.messages import ways
from bot.model import OrderPhase, Press, RentalOrder
from bot.orders.coming import when
from bot.orders.order_buttons import Handling, can_snooze, instead, meant
from bot.pipeline.context import Services
from bot.pipeline.rights import require_colleague
from bot.ports import Answer, Work
from bot.reply import Actions, Reply, bold, line, mention, say, time

Act = Callable[[RentalOrder, Press], Awaitable[Reply]]

_NOT_YOURS = say("You have no session for this order's node, so others decide on it.")
_OVER = say("This warning is over: its order has moved on.")
_LAST_ALONE = say("Only the last warnings are left, and they cannot be snoozed.")
_SNOOZED = say(
    "Snoozed for all who are told of it. The next warnings come 6 hours, 1 hour and 15 minutes "
    "before the end."
)
_SNOOZED_ALREADY = say(
    "It is snoozed already. The next warnings come 6 hours, 1 hour and 15 minutes before the end."
)
_TAKEN = {
    OrderPhase.RENTING: say("You renew it. All who are told of it know."),
    OrderPhase.WAITING: say("You confirm it. All who are told of it know."),
}
_TAKEN_ALREADY = {
    OrderPhase.RENTING: say("You have said already that you renew it."),
    OrderPhase.WAITING: say("You have said already that you confirm it."),
}


class OrderPresses:
    """Takes clicks on warnings."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            Handling.RENEWS: partial(self._decide, self._take),
            Handling.INSTEAD: partial(self._decide, self._take),
            Handling.SNOOZE: partial(self._decide, self._snooze),
            Handling.DONE: partial(self._decide, self._look_soon),
        }

    async def _decide(self, act: Act, press: Press) -> Work:
        """Slack is asked who it is: where that gets lost, the warnings go on."""

        async def work(answer: Answer) -> None:
            await require_colleague(self._services, press.actor)
            order = await self._order(press)
            if order is None:
                await answer.say(await self._why(press))
            else:
                await answer.say(await act(order, press))

        return work

    async def _snooze(self, order: RentalOrder, press: Press) -> Reply:
        facts = await self._services.orders.facts(order, press.actor)
        if not can_snooze(order, facts.head):
            return Reply.of(_LAST_ALONE, private=True)
        is_new = await self._services.orders.handlings.snooze(order, press.actor)
        return Reply.of(_SNOOZED if is_new else _SNOOZED_ALREADY, private=True)

    async def _take(self, order: RentalOrder, press: Press) -> Reply:
        """Take it where nobody has, or from the one whom whoever clicks was told of.

        So too from who may not decide on it any more.
        """
        sees = self._services.orders.holdings.sees
        taker = meant(press.value)[3]
        while order.renewer in {"", taker} or not await sees(order, UserId(order.renewer)):
            if await self._services.orders.handlings.take(order, press.actor, order.renewer):
                return Reply.of(_TAKEN[order.phase], private=True)
            again = await self._order(press)  # somebody was faster
            if again is None or again.renewer == order.renewer:
                return Reply.of(_OVER, private=True)
            order = again
        if order.renewer == press.actor:
            return Reply.of(_TAKEN_ALREADY[order.phase], private=True)
        person = line(mention(UserId(order.renewer)))
        told = say("{person} has taken it. Do you take it over?", person=person)
        if order.renewer_since is not None:
            told = say(
                "{person} has taken it, {time}. Do you take it over?",
                person=person, time=time(order.renewer_since),
            )  # fmt: skip
        return Reply.of(told, private=True).also(Actions((instead(order),)))

    async def _look_soon(self, order: RentalOrder, press: Press) -> Reply:
        """Whether it is renewed, the chain tells; that it was signed proves nothing."""
        await self._services.orders.handlings.look_soon(order, press.actor)
        told = say(
            "I look at the chain for two minutes. Everybody who is told of order {order} learns "
            "when it is there; where it is not, I tell you. Until then the warnings go on.",
            order=str(order.number),
        )
        return Reply.of(told, private=True)

    async def _why(self, press: Press) -> Reply:
        """Why nothing can be decided, and what holds now; who may not see it learns no more."""
        order_id, *_ = meant(press.value)
        async with self._services.store.read() as tx:
            order = await tx.orders.find(order_id)
        if order is None or not await self._services.orders.holdings.sees(order, press.actor):
            return Reply.of(_NOT_YOURS, private=True)
        facts = await self._services.orders.facts(order, press.actor)
        told = say(
            "This warning is over. Order {order} for {node} {when}.",
            order=str(order.number), node=bold(facts.node), when=when(facts),
        )  # fmt: skip
        return Reply.of(told, private=True).also(Actions((ways.to_order(order),)))

    async def _order(self, press: Press) -> RentalOrder | None:
        order_id, ends, phase, _ = meant(press.value)
        async with self._services.store.read() as tx:
            order = await tx.orders.find(order_id)
        if order is None or order.phase is not phase or order.ends != ends:
            return None
        orders = self._services.orders
        if orders.is_past(order) or not await orders.holdings.sees(order, press.actor):
            return None
        return order
