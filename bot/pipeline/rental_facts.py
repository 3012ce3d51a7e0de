"""When the rental ends that a machine or node is used with, for a review: shown, not compared.

A rental that is renewed while a request waits is no other request.
"""

from collections.abc import Mapping, Sequence

from bot.ids import NodeId
from bot.messages.facts import DELETED, LATE, RENTAL, rental_number, rental_told
from bot.model import Fact, OrderPhase, RentalOrder
from bot.orders.schedule import awaits_news, goal_of, head_at, moment
from bot.pipeline.context import Context
from bot.pipeline.ended import ended_of
from bot.pipeline.targets import Bound


async def rental_of(bound: Bound, context: Context) -> Mapping[str, Fact]:
    """The rental that ends first, of those that may pay for it: phase, number and the moment.

    For what is not there yet, those that go on come before those that are over. One whose end must
    have come, though the chain was not read since, is `LATE`.
    """
    services, node = context.services, bound.node
    if node is None or not services.orders.chain.is_on:
        return {}
    usable = await services.sessions.usable(context.actor, context.place.channel)
    sessions = [session for session in usable if session.node == node.id]
    ended = await ended_of(services, sessions)
    orders: Sequence[RentalOrder] = ended.orders
    if bound.machine is None:  # what is made now is never of one that is over, if another goes on
        orders = [one for one in orders if not _is_over(one, context)] or orders
    else:
        orders = [one for one in ended.told if one.phase is not OrderPhase.GONE]
        for session in sessions:
            known = await services.last_known.find(session, bound.machine.task)
            number = known.detail.rent_order if known is not None else ""
            orders = await services.orders.concerned.paying(orders, bound.machine, number)
    return {RENTAL: Fact(_told(orders[0], context))} if orders else {}


async def rental_since(shown: Fact, bound: Bound, context: Context) -> Mapping[str, Fact]:
    """The same for a review that has `shown` one: where none pays now, what became of that."""
    if found := await rental_of(bound, context):
        return found
    node = bound.node.id if bound.node is not None else NodeId("")
    async with context.services.store.read() as tx:
        known = await tx.orders.of_node(node)
    number = rental_number(shown.text)
    over = [one for one in known if str(one.number) == number and one.phase.is_over]
    last = max(over, key=lambda one: one.began, default=None)
    return {} if last is None else {RENTAL: Fact(_told(last, context))}


def _is_over(order: RentalOrder, context: Context) -> bool:
    return order.phase is OrderPhase.ENDED or context.services.orders.is_past(order)


def _told(order: RentalOrder, context: Context) -> str:
    now = context.services.clock.now()
    goal = goal_of(order)
    at = moment(order, goal, head_at(order, now))
    late = {OrderPhase.RENTING: LATE, OrderPhase.ENDED: DELETED}
    is_late = context.services.orders.is_past(order)
    phase = late.get(order.phase, order.phase) if is_late else order.phase
    is_refused = not awaits_news(order) and context.services.inventory.lists.is_unrented(order.node)
    return rental_told(phase, order.number, at, goal, is_unrented=is_refused)
