"""Which orders may concern whoever asks, though the chain tells nonsense of them."""

from collections.abc import Sequence

from bot.model import Node, RentalOrder
from bot.orders.unreadable import Odd
from bot.pipeline.context import Context


async def odd_orders(ctx: Context, node: Node | None = None) -> list[Odd]:
    """Those that are not known here, of the nodes and wallets of whoever asks, or of one `node`."""
    store = ctx.services.store
    sessions = (await store.known()).usable(ctx.actor)
    async with store.read() as tx:
        watched = await tx.orders.watched_by(ctx.actor)
    names = {one.node for one in sessions} | watched.keys()
    if node is not None:
        names &= {node.id}
    return ctx.services.orders.odd.among(names, await ctx.hidden())


def odd_among(ctx: Context, known: Sequence[RentalOrder]) -> list[Odd]:
    """Those of these known orders that could not be read when they were looked at last."""
    odd = ctx.services.orders.odd.known
    return [odd[one.id] for one in known if one.id in odd]
