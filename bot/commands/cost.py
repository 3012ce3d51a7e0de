"""What rentals cost: in a month, now, and until its end; by order, node, machine or person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from bot.chain.price import PER_DAY, Prices, dbc, dollars
from bot.commands.cost_month import Stretch, stretch_of
from bot.commands.order_odd import odd_among, odd_orders, unsure
from bot.errors import Refused
from bot.ids import NodeId, UserId
from bot.language.args import AtNode
from bot.language.kind import Arg
from bot.language.kinds import CHOICE
from bot.language.table import Command
from bot.model import Node, OrderPhase, RentalOrder
from bot.orders.amounts import bar, both, cut, doubt, percents, rounded
from bot.orders.budgets import Standing
from bot.orders.costs import NOTHING, Amount, Cost, For, summed
from bot.orders.months import spoken
from bot.orders.reports import Account, By, Entry, entries, forecast
from bot.orders.unreadable import not_read
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined, short, stacked
from bot.reply import (
    Column,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Row,
    Rows,
    Text,
    all_of,
    bold,
    command,
    emoji,
    line,
    mention,
    say,
    say_number,
)
from bot.reply import (
    listed as listed_in_line,
)

ListedBy = Annotated[
    str,
    Arg(
        say("By"),
        CHOICE,
        say("By order, unless you say otherwise"),
        "machine",
        choices=tuple(By),
        labels=(say("Order"), say("Node"), say("Machine"), say("Person")),
    ),
]
InMonth = Annotated[
    str,
    Arg(
        say("Month"),
        hint=say("2026-11, 11 or last; this month where left out"),
        narrow=True,
        spoken=spoken,
    ),
]
_MOST_NOTES = 5
_NARROW = 5  # cells of a bar: its column stands beside three others on a phone


async def cost(
    ctx: Context, by: ListedBy = "order", month: InMonth = "", node: AtNode | None = None
) -> Reply:
    """Show what your rentals cost in a month, cost now, and will cost by its end."""
    if not ctx.services.orders.chain.is_on:
        raise Refused(
            say("What rentals cost is read from the chain, which is not set up here."),
            hint=say("Whoever runs this bot has to set CHAIN_RPC_URLS."),
        )
    stretch = await stretch_of(ctx, month)
    accounts = await _accounts(ctx, stretch, node) if stretch else []
    odd = await odd_orders(ctx, node)
    if stretch is not None and stretch.is_now:  # a renewal since may not be in the books
        odd += odd_among(ctx, [one.order for one in accounts])
    if stretch is None:
        told = say("The books are being read from the chain. Try again in a minute.")
        return Reply.empty(told, private=True)
    if not accounts:
        return Reply.empty(await unsure(ctx, node) or _none(node), private=True)
    known = [one for one in accounts if one.is_known(stretch.until)]
    unknown = [one.order for one in accounts if not one.is_known(stretch.until)]
    found = [(one, one.cost(stretch.since, stretch.until)) for one in known]
    total = _Sum(summed(one.total for _, one in found), is_complete=not unknown and not odd)
    listed = entries(found, By(by))
    rows = await _rows(ctx, listed, {one.order.id: one.order for one in accounts})
    rows += [await _unknown(ctx, one) for one in unknown if by == By.ORDER]
    head = say("Cost of {month}", month=str(stretch.month))
    if node is not None:
        head = say("Cost of {month} on {node}", month=str(stretch.month), node=node.label)
    prices = await _prices(ctx, accounts) if stretch.is_now else {}
    fields, figures = _figures(accounts, prices, stretch, total, is_whole=not odd)
    budgets = await _budgets(ctx, stretch.head) if stretch.is_now else []
    parts: list[Part] = [
        Para(line(emoji("moneybag"), " ", bold(head))), Fields(tuple(fields)),
        *(_budget(one) for one in budgets), Rows(tuple(rows), columns=_columns(By(by))),
        *([Note(line(emoji("warning"), " ", not_read(odd)))] if odd else []),
        *await _notes(ctx, accounts, found, listed, stretch, by, node),
    ]  # fmt: skip
    data = {
        "month": str(stretch.month), "from_block": stretch.since, "to_block": stretch.until,
        "by": by, **total.data, **figures, "budgets": [_budget_data(one) for one in budgets],
        "parts": [dict(row.data) for row in rows],
    }  # fmt: skip
    return Reply(line(head), tuple(parts), private=True, data=data, is_table=True)


def _none(node: Node | None) -> Text:
    """That no rental is in the books of the month, of one node or at all."""
    if node is None:
        return say("No rental that you are told of is in the books of that month.")
    return say(
        "No rental of {node} that you are told of is in the books of that month.", node=node.label
    )


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum of what is known; where something is missing from it, it says so."""

    amount: Amount
    is_complete: bool

    @property
    def told(self) -> Line:
        """In words."""
        if self.is_complete:
            return both(self.amount)
        if not self.amount.planck:
            return line(say("not known yet"))
        return line(both(self.amount), " ", say("(incomplete)"))

    @property
    def data(self) -> dict[str, Any]:
        """By name."""
        is_known = self.is_complete or self.amount.planck > 0
        return _amount_data(self.amount if is_known else None) | {"is_complete": self.is_complete}


# What there is to tell


async def _accounts(ctx: Context, stretch: Stretch, node: Node | None) -> list[Account]:
    """The books of the rentals that whoever asks is told of, and that the month has blocks of.

    Those of one `node`, or of all.
    """
    services, hidden = ctx.services, await ctx.hidden()
    known = await services.orders.holdings.of_person_after(ctx.actor, stretch.since)
    shown = [
        one for one in known if one.node not in hidden and (node is None or one.node == node.id)
    ]
    orders = [one for one in shown if one.began < stretch.until]
    usable = await services.sessions.usable(ctx.actor, ctx.place.channel)
    opened = {one.id for one in orders if await services.orders.holdings.opens(one, usable)}
    ids = [one.id for one in orders]
    async with services.store.read() as tx:
        payments = await tx.money.payments(ids)
        uses = await tx.money.uses(ids, stretch.since)
    return [
        Account(
            order,
            tuple(one for one in payments if one.order == order.id),
            tuple(one for one in uses if one.order == order.id),
            order.id in opened,
        )
        for order in orders
    ]


async def _prices(ctx: Context, accounts: Sequence[Account]) -> Mapping[NodeId, Prices]:
    """The present prices by node, of those that the chain tells."""
    found = await ctx.services.orders.prices.of_some(one.order.node for one in accounts)
    return {node: one for node, one in found.items() if one.is_usable}


def _figures(
    accounts: Sequence[Account],
    prices: Mapping[NodeId, Prices],
    stretch: Stretch,
    total: _Sum,
    *,
    is_whole: bool,
) -> tuple[list[tuple[Text, Line]], dict[str, Any]]:
    """The sums above the list, in words and by name."""
    if not stretch.is_now:
        return [(say("In all"), total.told)], {}
    fields: list[tuple[Text, Line]] = [(say("So far"), total.told)]
    figures: dict[str, Any] = {}
    renting = [one.order for one in accounts if one.order.phase is OrderPhase.RENTING]
    rate = _rate(renting, prices)
    if rate is not None:
        fields.append((say("A day now"), both(rate[0])))
        fields.append((say("An hour now"), both(rate[1])))
        figures |= {"day_now": _amount_data(rate[0]), "hour_now": _amount_data(rate[1])}
    known = [one for one in accounts if one.is_known(stretch.until)]
    ahead = [(one, prices.get(one.order.node)) for one in known]
    coming = forecast(ahead, stretch.head, stretch.ends)
    is_complete = is_whole and all(one.is_known(stretch.ends) for one in accounts)
    paid = _Sum(total.amount + coming.paid, is_complete)
    fields.append((say("By the end of the month, as paid"), paid.told))
    figures["month_as_paid"] = paid.data
    if coming.renewed is not None:
        renewed = _Sum(total.amount + coming.renewed, is_complete)
        fields.append((say("By then, if all is renewed at the present price"), renewed.told))
        figures["month_if_renewed"] = renewed.data
    return fields, figures


def _rate(
    orders: Sequence[RentalOrder], prices: Mapping[NodeId, Prices]
) -> tuple[Amount, Amount] | None:
    """What the rentals cost a day and an hour at present prices; None where one is not known."""
    day, hour = NOTHING, NOTHING
    for order in orders:
        known, count = prices.get(order.node), len(order.gpus)
        if known is None or not known.avg_price:
            return None
        day += Amount(known.planck(count, PER_DAY) or 0, known.usd(count, PER_DAY))
        hour += Amount(known.planck(count, PER_DAY // 24) or 0, known.usd(count, PER_DAY // 24))
    return (day, hour) if orders else None


# Budgets


async def _budgets(ctx: Context, head: int) -> list[Standing]:
    """The budgets of whoever asks, and of the channel in which they ask, as of the newest block."""
    known = await ctx.services.budgets.standings(head)
    return [one for one in known if one.concerns(ctx.actor, ctx.place.channel)]


def _budget(one: Standing) -> Para:
    told = say(
        "Budget {name} ({machines}, on any rental): {spent}",
        name=bold(one.budget.name), machines=one.counts, spent=one.told,
    )  # fmt: skip
    return Para(line(f"{bar(min(one.percent, 100))} ", told))


def _budget_data(one: Standing) -> dict[str, Any]:
    return {
        "name": one.budget.name, "limit_usd": one.budget.usd, "limit_dbc": one.budget.dbc,
        "percent": one.percent, **_amount_data(one.spent), "is_complete": one.is_complete,
    }  # fmt: skip


# Rows


async def _rows(ctx: Context, listed: Sequence[Entry], orders: dict[str, RentalOrder]) -> list[Row]:
    amounts = [one.amount for one in listed]
    rows = []
    for entry, seen, percent in zip(listed, rounded(amounts), percents(amounts), strict=True):
        named = await _named(ctx, entry, orders)
        told = joined(line(f"{bar(percent)} ", f"{percent} %"), named, both(seen))
        figures = line(cut(dollars(seen.micro))), line(cut(dbc(seen.planck)))
        share = line(f"{bar(percent, _NARROW)} {percent} %", doubt(seen))
        cells = (named, *figures, share)  # a phone shows three
        order = orders.get(entry.key) if entry.what is By.ORDER else None
        node = order.node if order else NodeId(entry.key if entry.what is By.NODE else "")
        rows.append(
            Row(
                told,
                {
                    "what": str(entry.what),
                    "order": order.number if order else None,
                    "node": await ctx.services.inventory.label(node) if node else None,
                    "node_id": node or None,
                    "machine": entry.label or None if entry.what is By.MACHINE else None,
                    "task": entry.key if entry.what is By.MACHINE else None,
                    "user": entry.maker or None
                    if entry.what is By.MACHINE
                    else (entry.key or None if entry.what is By.PERSON else None),
                    "percent": percent,
                    **_amount_data(entry.amount),
                },
                cells=cells,
            )
        )
    return rows


async def _unknown(ctx: Context, order: RentalOrder) -> Row:
    """The row of an order of which nobody has written down yet what was paid."""
    named = await _named(ctx, Entry(By.ORDER, order.id, NOTHING), {order.id: order})
    data = {
        "what": str(By.ORDER), "order": order.number,
        "node": await ctx.services.inventory.label(order.node), "node_id": order.node,
        "machine": None, "task": None, "user": None, "percent": None, **_amount_data(None),
    }  # fmt: skip
    unknown = say("not known yet")
    return Row(joined(named, unknown), data, cells=(named, line(unknown), (), ()))


_WHAT = {
    By.ORDER: say("Rental"), By.NODE: say("Node"), By.MACHINE: say("Machine"),
    By.PERSON: say("Person"),
}  # fmt: skip


def _columns(by: By) -> tuple[Column, ...]:
    numbers = (say("In USD"), say("In DBC"), say("Percentage"))
    return (Column(_WHAT[by], is_long=True), *(Column(title, is_number=True) for title in numbers))


async def _named(ctx: Context, entry: Entry, orders: dict[str, RentalOrder]) -> Line:
    if entry.what is By.ORDER:
        order = orders[entry.key]
        node = await ctx.services.inventory.label(order.node)
        return line(bold(str(order.number)), " ", say("on {node}", node=node))
    if entry.what is By.NODE:
        return line(bold(await ctx.services.inventory.label(NodeId(entry.key))))
    if entry.what is By.MACHINE:
        by = say("made by {user}", user=mention(UserId(entry.maker))) if entry.maker else ""
        return joined(line(bold(entry.label or short(entry.key))), by)
    if entry.what is By.PERSON:
        person = mention(UserId(entry.key)) if entry.key else None
        return line(person or say("machines not made through the bot"))
    return line(_REST[For(entry.what)])


_REST = {
    For.MACHINE: say("machines"),
    For.USED: say("machines that you may not see"),
    For.UNUSED: say("paid, unused"),
    For.UNSEEN: say("not observed"),
    For.FEE: say("rental fees"),
}


def _amount_data(amount: Amount | None) -> dict[str, Any]:
    """An amount by name: exact, as text, since JSON's numbers are not; None is not known."""
    if amount is None:
        return dict.fromkeys(("dbc", "usd", "is_estimate", "is_usd_estimate"))
    return {
        "dbc": f"{dbc(amount.planck):.15f}",
        "usd": f"{dollars(amount.micro):.6f}",
        "is_estimate": amount.is_estimate,
        "is_usd_estimate": amount.is_estimate or amount.is_usd_estimate,
    }


# Notes


async def _notes(
    ctx: Context,
    accounts: Sequence[Account],
    found: Sequence[tuple[Account, Cost]],
    listed: Sequence[Entry],
    stretch: Stretch,
    by: str,
    node: Node | None,
) -> list[Note]:
    told: list[Line] = []
    unknown = [one.order for one in accounts if not one.is_known(stretch.until)]
    if unknown:
        told.append(
            line(
                say(
                    "Not known yet, and in no sum here: what was paid for {orders}.",
                    orders=_numbers(unknown),
                )
            )
        )
    renting = [
        one
        for one in accounts
        # Whoever may not see its machines does nothing about the GPUs that these leave free.
        if one.is_open and one.order.phase is OrderPhase.RENTING and stretch.is_now
    ]
    told += [await _unused(ctx, one, free) for one in renting if (free := one.unused(stretch.head))]
    told += _uncertain(found, listed)
    told.append(
        line(
            say(
                "Rent is paid ahead and spread over its blocks: {since} to {until} here. Months "
                "are UTC.",
                since=f"{stretch.since:,}", until=f"{stretch.until:,}",
            )
        )
    )  # fmt: skip
    month = "" if stretch.is_now else f" {stretch.month}"
    on = f" on {node.label}" if node is not None else ""
    typed = f"cost {by}{month}{on} --file"
    told.append(line(say("As a table: {command}", command=command(typed))))
    return [Note(stacked(told))]


def _uncertain(found: Sequence[tuple[Account, Cost]], listed: Sequence[Entry]) -> list[Line]:
    """What of the sums is an estimate, or was not observed."""
    told: list[Line] = []
    if estimates := [one.order for one, _ in found if one.is_estimate]:
        paid = say(
            "What was paid for {orders} is an estimate, from the price at the block at which the "
            "bot first read it: the chain does not tell it any more.",
            orders=_numbers(estimates),
        )
        told.append(line(paid))
    if any(entry.what is For.UNSEEN for entry in listed):
        unseen = say(
            "Not observed: the bot did not see which machines ran then, and does not guess."
        )
        told.append(line(unseen))
    return told


def _numbers(orders: Sequence[RentalOrder]) -> Line:
    return listed_in_line(str(one.number) for one in orders[:_MOST_NOTES])


async def _unused(ctx: Context, account: Account, free: int) -> Line:
    order = account.order
    number = say_number("{number} GPU", "{number} GPUs", free)
    told = say(
        "Order {order} on {node} has {gpus} that no machine uses.",
        gpus=number, order=str(order.number), node=await ctx.services.inventory.label(order.node),
    )  # fmt: skip
    if last := account.last_holders():
        machines = all_of(line(bold(one)) for one in last)
        return line(told, " ", say("Last held by {machine}.", machine=machines))
    return line(told)


COMMANDS = (
    Command(
        "cost",
        cost,
        example="cost machine last",
        synonyms=("costs", "spend", "bill", "budget", "budgets"),
        chinese="费用 花费 账单 预算 开支 成本",
        does=say("Show costs"),
    ),
)
