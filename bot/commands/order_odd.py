"""Why more orders may concern whoever asks than are known: nonsense, or an unfinished search."""

from collections.abc import Mapping, Sequence

from bot.errors import NotFound
from bot.model import Node, RentalOrder
from bot.orders.finding import Search
from bot.orders.unreadable import Odd, not_read
from bot.pipeline.context import Context
from bot.reply import Text, command, line, say

OFF = say("The chain is not read yet: whoever runs this bot has to set CHAIN_RPC_URLS.")
SEARCHED: Mapping[Search, Text] = {
    Search.DONE: "",
    Search.PARTLY: "",
    Search.GOES_ON: say("The chain is being searched for your orders. Try again in a minute."),
    Search.UNREAD: say("The chain could not be read for your orders yet. Try again in a minute."),
}


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


async def unsure(ctx: Context, node: Node | None = None) -> Text:
    """Why there may be more orders than are known; nothing where there are none."""
    told = not_read(await odd_orders(ctx, node))
    return told or SEARCHED[await ctx.services.orders.search_of(ctx.actor)]


async def not_known(ctx: Context, number: int) -> NotFound:
    """Why nothing is said of an order of that number; denied only where all that is there is known.

    Whoever asks is told of none of those that are known.
    """
    orders = ctx.services.orders
    if not orders.chain.is_on:
        return NotFound(OFF, field="order")
    odd = await odd_orders(ctx)
    it = not_read(one for one in odd if one.number == number)
    if told := it or SEARCHED[await orders.search_of(ctx.actor)]:
        return NotFound(told, field="order")
    see = say("See: {command}", command=command("order list"))
    denied = say("You are told of no order {order}.", order=str(number))
    return NotFound(denied, hint=not_read(odd) or line(see), field="order")
