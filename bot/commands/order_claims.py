"""Rentals as GPU nodes know them, where no chain is read."""

from bot.commands.vm_list import no_access
from bot.dbc.errors import DbcError
from bot.ids import NodeId
from bot.model import Node
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined
from bot.reply import Note, Part, Phrase, Reply, Row, Rows, bold, code, emoji, line, say


def none_on(node: Node | None) -> Phrase:
    """That there is no order, of one node or at all."""
    if node is None:
        return say("The chain has no order of your nodes and wallets.")
    return say("The chain has no order of {node} that concerns you.", node=node.label)


async def as_nodes_say(ctx: Context, node: Node | None) -> Reply:
    """What GPU nodes know of rentals: it has no dates, and what ended is still in it."""
    hidden = await ctx.hidden()
    sessions = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    metals = {node.id for node in await ctx.services.inventory.metals()}
    left_out = hidden | metals
    nodes = {
        one.node: None
        for one in sessions
        if one.node not in left_out and (node is None or one.node == node.id)
    }
    parts: list[Part] = [await _as_node_says(ctx, node_id) for node_id in nodes]
    told = say(
        "As the nodes say. They never notice that an order has ended, and give its end as a block. "
        "With CHAIN_RPC_URLS set, the bot reads the chain and warns in time."
    )
    if not parts:
        if node is not None and all(one.node != node.id for one in sessions):
            raise no_access(node)
        return Reply.empty(say("You have no node access yet."), private=True)
    return Reply(say("Rentals"), (*parts, Note(line(emoji("warning"), " ", told))), private=True)


async def _as_node_says(ctx: Context, node_id: NodeId) -> Rows:
    label = await ctx.services.inventory.label(node_id)
    try:
        known = await ctx.dbc.nodes.rent_orders(node_id)
    except DbcError as problem:
        problem.named(label)
        return Rows((), line(bold(label), " ", emoji("warning"), " ", problem.words), stays=True)
    rows = [
        Row(
            joined(
                bold(order.id),
                say("until block {block}", block=order.rent_end) if order.rent_end else "",
                line(code(order.renter)),
            ),
            {"order": order.id, "node_id": node_id, "renter": order.renter,
             "end_block": order.rent_end},
        )
        for order in known
    ]  # fmt: skip
    return Rows(tuple(rows), line(bold(label)))
