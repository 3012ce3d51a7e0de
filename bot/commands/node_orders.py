"""The rentals of a node: as the chain has them, and apart from that what the node alone says."""

import asyncio
from collections.abc import Sequence

from bot.chain.errors import ChainError
from bot.dbc.models import RentOrder
from bot.language.args import AnyNode
from bot.messages import ways
from bot.model import Node, RentalOrder
from bot.orders.coming import when
from bot.orders.on_node import orders_on
from bot.orders.unreadable import Odd, not_read
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined
from bot.reply import Line, Note, Reply, Row, Rows, Text, bold, code, line, listed, say, say_number

_STATES = {
    "renting": say("renting"),
    "waitingverifying": say("pending confirmation"),
    "rentexpired": say("expired"),
}


async def orders(ctx: Context, node: AnyNode) -> Reply:
    """List a node's rentals: order numbers, ends, GPUs and renters."""
    listed = await ctx.dbc.nodes.rent_orders(node.id)
    found, odd, is_read = await _on_chain(ctx, node)
    claims = [one for one in listed if not any(_is_of(one, order) for order in found)]
    over = await _over(ctx, node, claims)
    claims = [one for one in claims if one.id not in {str(order.number) for order in over}]
    found = [*found, *over]
    await ctx.services.orders.read_now(found)
    rows = [*await asyncio.gather(*(_row(ctx, order) for order in found))]
    unread = {str(one.number) for one in odd}
    rows += [_claim(one, _mark(ctx, is_read=is_read and one.id not in unread)) for one in claims]
    title = line(bold(node.label))
    if not rows:
        title = line(say("{node} knows of no rental.", node=bold(node.label)))
    count = say_number("{number} rental", "{number} rentals", len(rows))
    told = say("{rentals} of {node}", rentals=count, node=node.label)
    notes = _notes(ctx, found, claims, is_read=is_read)
    if odd:
        notes.insert(0, Note(line(not_read(odd))))
    return Reply(told, (Rows(tuple(rows), title), *notes))


async def _on_chain(ctx: Context, node: Node) -> tuple[Sequence[RentalOrder], Sequence[Odd], bool]:
    """What is known of the chain's orders of a node, and whether the chain was read for that."""
    watched = ctx.services.orders
    if not watched.chain.is_on:
        return (), (), False
    known = await watched.holdings.of_person(ctx.actor, node.id)
    try:
        view = await watched.chain.view()
        others, odd = await orders_on(view, node.id, {one.id for one in known})
    except ChainError:
        return known, (), False
    return (*known, *others), odd, True


async def _over(ctx: Context, node: Node, claims: Sequence[RentOrder]) -> list[RentalOrder]:
    """The orders that are over, of which whoever asks was told, and that the node still lists."""
    numbers = {claim.id for claim in claims}
    async with ctx.services.store.read() as tx:
        known = await tx.orders.of_node(node.id)
    over = [one for one in known if one.phase.is_over and str(one.number) in numbers]
    last = {one.number: one for one in sorted(over, key=lambda one: one.began)}
    return [
        one for one in last.values() if await ctx.services.orders.holdings.tells(one, ctx.actor)
    ]


def _is_of(claim: RentOrder, order: RentalOrder) -> bool:
    """Whether what a node says is about that order; for a whole machine it gives no number."""
    if claim.id == str(order.number):
        return True
    return claim.id in {"", claim.renter} and claim.renter == order.renter


def _mark(ctx: Context, *, is_read: bool) -> Text:
    """What is said of a rental that only the node knows of."""
    if is_read:
        return say("only the node says so, the chain does not")
    return say("as the node says") if ctx.services.orders.chain.is_on else ""


def _notes(
    ctx: Context, found: Sequence[RentalOrder], claims: Sequence[RentOrder], *, is_read: bool
) -> list[Note]:
    told: list[Text] = []
    if found:
        told.append(say("Dates are the earliest ones: blocks take 6 seconds or longer."))
    if ctx.services.orders.chain.is_on and not is_read:
        told.append(say("The chain cannot be read at present."))
    if claims:
        told.append(say("A node never notices that an order has ended."))
    if claims and not ctx.services.orders.chain.is_on:
        told.append(say("The end is a block of the chain, not a date."))
    return [Note(line(one)) for one in told]


async def _row(ctx: Context, order: RentalOrder) -> Row:
    """An order as the chain has it, in the words of `order list`."""
    facts = await ctx.services.orders.facts(order, at_once=True)
    told = joined(
        line(bold(say("order {id}", id=str(order.number)))),
        _gpus(order.gpus),
        when(facts),
        line(code(order.renter)),
    )
    data = {
        "id": str(order.number), "renter": order.renter, "status": str(order.phase),
        "gpu_indexes": list(order.gpus), "end_block": order.ends, "said_by": "chain",
    }  # fmt: skip
    is_theirs = await ctx.services.orders.holdings.tells(order, ctx.actor)
    return Row(told, data, (ways.to_order(order),) if is_theirs else ())


def _claim(order: RentOrder, mark: Text) -> Row:
    """What only the node says: its end is a block, often one that no chain reaches."""
    data = {
        "id": order.id or None, "renter": order.renter or None,
        "status": order.rent_status or None, "gpu_indexes": list(order.gpu_index),
        "end_block": order.rent_end, "said_by": "node",
    }  # fmt: skip
    # For a whole machine, DBC gives the renter's address in place of a number.
    what = say("order {id}", id=order.id) if order.id else say("order")
    if order.id == order.renter:
        what = say("whole machine")
    is_alone = mark == "" and order.rent_end is not None
    told = joined(
        line(bold(what)),
        _STATES.get(order.rent_status.lower(), order.rent_status) or say("state unknown"),
        _gpus([gpu for gpu in order.gpu_index if gpu is not None]),
        say("until block {block}", block=order.rent_end or 0) if is_alone else "",
        mark,
        line(code(order.renter)) if order.renter else "",
    )
    return Row(told, data)


def _gpus(indexes: Sequence[int]) -> Text | Line:
    told = listed(str(one) for one in indexes)
    return say("GPUs {gpus}", gpus=told) if told else ""
