"""The chain's orders of a node, whoever's, read afresh."""

import asyncio
from collections.abc import Collection

from bot.chain.errors import Impossible
from bot.chain.reader import ChainView, OrderRef
from bot.ids import NodeId
from bot.model import RentalOrder
from bot.orders.finding import each_once, id_of, order_of
from bot.orders.unreadable import Odd


async def orders_on(
    view: ChainView, node: NodeId, known: Collection[str]
) -> tuple[list[RentalOrder], list[Odd]]:
    """Those that hold a node's GPUs now, but for the known ones; and those that make no sense.

    Raises ChainError.
    """
    refs = await each_once(view, await view.orders_of_machine(node, view.best))
    found = await asyncio.gather(*(_read(view, ref) for ref in refs if id_of(ref) not in known))
    orders = [one for one in found if isinstance(one, RentalOrder) and one.node == node]
    return orders, [one for one in found if isinstance(one, Odd)]


async def _read(view: ChainView, ref: OrderRef) -> RentalOrder | Odd | None:
    try:
        told = await view.order_of_any(ref, view.best)
    except Impossible:
        return Odd(ref.number, frozenset())
    return None if told is None else order_of(ref, told, view)
