"""The chain's orders of a node, whoever's, read afresh."""

import asyncio
from collections.abc import Collection

from bot.chain.reader import ChainView, OrderRef
from bot.ids import NodeId
from bot.model import RentalOrder
from bot.orders.finding import each_once, id_of, order_of


async def orders_on(view: ChainView, node: NodeId, known: Collection[str]) -> list[RentalOrder]:
    """Those that hold a node's GPUs now, but for the known ones. Raises ChainError."""
    refs = await each_once(view, await view.orders_of_machine(node, view.best))
    found = await asyncio.gather(*(_read(view, ref) for ref in refs if id_of(ref) not in known))
    return [order for order in found if order is not None and order.node == node]


async def _read(view: ChainView, ref: OrderRef) -> RentalOrder | None:
    told = await view.order_of_any(ref, view.best)
    return None if told is None else order_of(ref, told, view)
