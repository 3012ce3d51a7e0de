"""Orders: what is rented on the chain, until when, what it costs, and what is lost at its end."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from bot.chain.price import PER_DAY, Prices, dollars
from bot.commands.order_claims import as_nodes_say, none_on
from bot.commands.order_details import data_of, shown_in_full
from bot.commands.order_notes import SOON
from bot.commands.order_odd import OFF, SEARCHED, not_known, odd_among, odd_orders, unsure
from bot.commands.order_rescue import copying, left_of
from bot.dbc.errors import InvalidField
from bot.dbc.signatures import public_key_of
from bot.errors import NotFound
from bot.ids import UserId
from bot.language.args import OnNode
from bot.language.kind import WORD, Arg, Kind
from bot.language.kinds import ORDER, WATCHED
from bot.language.row_parts import Listing
from bot.language.table import Command, Group
from bot.model import Effect, OrderPhase, Place, RentalOrder
from bot.orders import words
from bot.orders.amounts import cut
from bot.orders.coming import when
from bot.orders.facts import Facts
from bot.orders.finding import Search
from bot.orders.handled import taker_of
from bot.orders.order_buttons import buttons
from bot.orders.unreadable import not_read
from bot.orders.words import sign_of
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import gpus, joined
from bot.reply import (
    Divider,
    Note,
    Part,
    Reply,
    Row,
    Rows,
    Text,
    bold,
    code,
    command,
    emoji,
    line,
    say,
    say_number,
    sentences,
)

Number = Annotated[
    int,
    Arg(say("Order"), ORDER, say("Its number"), "1287", word="order", least=0, most=2**53),
]


def _wallet(kind: Kind) -> Arg:
    return Arg(
        say("Wallet"),
        kind,
        say("The renter's address; it begins with 5"),
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        narrow=True,
    )


Wallet = Annotated[str, _wallet(WORD)]
WatchedWallet = Annotated[str, _wallet(WATCHED)]


async def list_orders(ctx: Context, node: OnNode | None = None) -> Reply:
    """List the rental orders that concern you, the first end first."""
    if not ctx.services.orders.chain.is_on:
        return await as_nodes_say(ctx, node)
    hidden = await ctx.hidden()
    wanted = node.id if node is not None else None
    orders = await ctx.services.orders.holdings.of_person(ctx.actor, wanted)
    mine = [order for order in orders if order.node not in hidden]
    prices = await ctx.services.orders.prices.of_some(order.node for order in mine)
    found = await _facts(ctx, mine)
    rows = [_row(one, prices.get(one.order.node), ctx.actor) for one in found]
    watch = Note(line(say("Watch a wallet: {command}", command=command("order watch <wallet>"))))
    if not rows:
        told = await unsure(ctx, node) or none_on(node)
        if node is not None:
            see = say(
                "All orders of {node}: {command}",
                node=node.label, command=command(f"node orders {node.label}"),
            )  # fmt: skip
            watch = Note(line(see))
        return Reply.empty(told, private=True).also(watch)
    count = say_number("{number} rental", "{number} rentals", len(rows))
    odd = [*await odd_orders(ctx, node), *odd_among(ctx, mine)]
    notes = [Note(line(emoji("warning"), " ", told))] if (told := not_read(odd)) else []
    doubts = (*notes, *await _doubts(ctx, found), watch)
    return Reply(count, (Rows(tuple(rows)), *doubts), private=True)


async def _facts(ctx: Context, orders: Sequence[RentalOrder]) -> list[Facts]:
    """What is said of several orders beside each other, as the same moment has them."""
    known = ctx.services.orders
    await known.read_now(orders)
    return await asyncio.gather(*(known.facts(one, ctx.actor, at_once=True) for one in orders))


async def _doubts(ctx: Context, found: Sequence[Facts]) -> list[Note]:
    """What a list may lack, and as of when it is. The row of an order not found says so itself."""
    searched = await ctx.services.orders.search_of(ctx.actor)
    more = SEARCHED[searched]
    stale = [one for one in found if not one.is_read and one.order.missing_since is None]
    if not stale:
        return [Note(line(more))] if more else []
    notes = [words.unread(min(stale, key=lambda one: one.order.seen_at))]
    if searched is Search.GOES_ON:  # of a chain that cannot be read, that is said already
        notes.append(Note(line(more)))
    return notes


def _row(facts: Facts, prices: Prices | None, reader: UserId) -> Row:
    order = facts.order
    shown = joined(
        line(emoji(sign_of(facts)), " ", bold(str(order.number))),
        line(bold(facts.node)),
        gpus(len(order.gpus)),
        when(facts),
        _a_day(order, prices),
    )
    if taken := taker_of(order):
        shown = line(shown, "\n", taken)
    acts = buttons(
        order, facts.head, sees=facts.sees, has_machines=facts.has_machines, reader=reader,
        is_early=not facts.is_final,
    )  # fmt: skip
    return Row(shown, data_of(facts), acts.buttons)


async def show(ctx: Context, order: Number) -> Reply:
    """Show a rental: its end, its price, what is lost with it, and what its renter signs."""
    found = await _known(ctx, order)
    return _one_by_one(await asyncio.gather(*(shown_in_full(ctx, one) for one in found)))


def _one_by_one(replies: Sequence[Reply]) -> Reply:
    """What is said of the orders of one number, below each other: pallets count by themselves."""
    first, *more = replies
    if not more:
        return first
    below = [part for one in more for part in (Divider(), *one.parts)]
    summary = sentences(one.summary for one in replies)
    data = {"orders": [one.data for one in replies]}
    return replace(first, summary=summary, parts=(*first.parts, *below), data=data)


async def _known(ctx: Context, number: int) -> list[RentalOrder]:
    """The orders of that number that the asker is told of: not over, or else the last one."""
    async with ctx.services.store.read() as tx:
        found = await tx.orders.numbered(number)
    hidden = await ctx.hidden()
    mine = [
        one
        for one in found
        if one.node not in hidden and await ctx.services.orders.holdings.tells(one, ctx.actor)
    ]
    if not mine:
        raise await not_known(ctx, number)
    living = [one for one in mine if not one.phase.is_over]
    return living or mine[-1:]


async def _some_known(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who is told of no rental, over or not: with why, or what to do."""
    if await services.orders.holdings.has_any(user):
        return
    if not services.orders.chain.is_on:
        raise NotFound(OFF)
    told = SEARCHED[await services.orders.search_of(user)]
    watch = say("Watch a wallet: {command}", command=command("order watch <wallet>"))
    raise NotFound(
        told or none_on(None),
        hint=line(watch),
    )


def _a_day(order: RentalOrder, prices: Prices | None) -> Text:
    """What the order costs a day at the present price; nothing of one that has ended."""
    if prices is None or not prices.is_usable or order.phase is OrderPhase.ENDED:
        return ""
    return say("{amount} USD a day", amount=cut(dollars(prices.usd(len(order.gpus), PER_DAY))))


async def rescue(ctx: Context, order: Number) -> Reply:
    """Tell what is lost with a rental, until when, and how to copy it."""
    found = await _known(ctx, order)
    told = []
    for one in found:
        left = await left_of(ctx, one)
        facts = await ctx.services.orders.facts(one, ctx.actor)
        told.append(await copying(ctx, facts, left, data_of(facts)))
    return _one_by_one(told)


async def _some_to_rescue(services: Services, user: UserId, place: Place) -> None:
    """Raise NotFound for who is told of no rental of which anything is left to copy."""
    if await services.orders.holdings.to_rescue(user):
        return
    await _some_known(services, user, place)
    raise NotFound(
        SEARCHED[await services.orders.search_of(user)]
        or say("None of your orders has machines left to copy."),
        hint=line(say("See: {command}", command=command("order list"))),
    )


async def watch(ctx: Context, wallet: Wallet) -> Reply:
    """Be told of all rentals of a wallet: to confirm, to renew, ended, about to be deleted."""
    async with ctx.services.store.write() as tx:
        is_new = await tx.orders.watch(ctx.actor, wallet, ctx.now)
    told = say("You are told of the orders of {wallet}.", wallet=code(wallet))
    if not is_new:
        told = say("You are told of the orders of {wallet} already.", wallet=code(wallet))
    if not ctx.services.orders.chain.is_on:
        return Reply.of(told, private=True).also(_off())
    more = await unsure(ctx)
    pending = await _pending(ctx, wallet)
    return Reply.of(told, private=True).also(*pending, *([Note(line(more))] if more else []))


async def _pending(ctx: Context, wallet: str) -> list[Part]:
    """The wallet's orders of which something comes within three days, as they are known now."""
    hidden = await ctx.hidden()
    known = await ctx.services.orders.holdings.of_person(ctx.actor)
    some = [one for one in known if one.renter == wallet and one.node not in hidden]
    found = await _facts(ctx, some)
    soon = [one for one in found if one.goal - one.head <= SOON]
    if not soon:
        return []
    return [Rows(tuple(_row(one, None, ctx.actor) for one in soon))]


async def _some_watched(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who watches no wallet."""
    async with services.store.read() as tx:
        if not await tx.orders.watched_by(user):
            raise NotFound(say("You watch no wallet."))


async def unwatch(ctx: Context, wallet: WatchedWallet) -> Reply:
    """Be told of a wallet's rentals no longer."""
    async with ctx.services.store.write() as tx:
        was = await tx.orders.unwatch(ctx.actor, wallet)
    if was:
        told = say("You are no longer told of the orders of {wallet}.", wallet=code(wallet))
        return Reply.of(told, private=True)
    return Reply.of(say("You did not watch {wallet}.", wallet=code(wallet)), private=True)


def _off() -> Note:
    return Note(line(emoji("warning"), " ", OFF))


def _check(values: Mapping[str, str]) -> None:
    """Raise InvalidField for what is no wallet; people give a node in its place."""
    wallet = values["wallet"]
    try:
        is_wallet = public_key_of(wallet).hex() != wallet.lower()  # a node is called by its key
    except InvalidField as error:
        if error.hint:
            raise
        is_wallet = False
    if not is_wallet:
        raise InvalidField(
            say(
                "{field} is not a wallet address: it has about 48 letters and digits and "
                "begins with 5.",
                field="wallet",
            ),
            field="wallet",
            hint=line(
                say(
                    "The wallet that rents a node is shown by: {command}",
                    command=command("node orders"),
                )
            ),
        )


GROUP = Group(
    "order",
    say("Rentals on the chain"),
    (
        Command(
            "list",
            list_orders,
            example="order list",
            synonyms=("ls",),
            lists=Listing.ORDERS,
            chinese="列表 列出 到期",
            does=say("List rentals"),
        ),
        Command(
            "show",
            show,
            example="order show 1287",
            on_node="order list",
            opens=_some_known,
            details=Listing.ORDERS,
            chinese="查看 详情 状态 续租 续费 续期",  # it has the call that renews
            does=say("Show a rental"),
        ),
        Command(
            "rescue",
            rescue,
            example="order rescue 1287",
            on_node="order list",
            opens=_some_to_rescue,
            chinese="抢救 救援",
            does=say("Rescue a rental"),
        ),
        Command(
            "watch",
            watch,
            Effect.CHANGE,
            "order watch 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            check=_check,
            asks=say("Watch the orders of {wallet}"),
            chinese="关注",
            does=say("Watch a wallet"),
            is_personal=True,
        ),
        Command(
            "unwatch",
            unwatch,
            Effect.CHANGE,
            "order unwatch 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
            opens=_some_watched,
            check=_check,
            asks=say("No longer watch the orders of {wallet}"),
            chinese="取消关注",
            does=say("Stop watching a wallet"),
            is_personal=True,
        ),
    ),
)
