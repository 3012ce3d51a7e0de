"""A rental in full: its end, its price, what is lost with it, and what its renter signs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.chain.price import PER_DAY, Prices
from bot.model import OrderPhase, Payment, RentalOrder
from bot.orders.amounts import both, in_dbc, in_dollars
from bot.orders.coming import when, with_taker
from bot.orders.costs import paid_in, summed
from bot.orders.facts import Facts, span, told_of
from bot.orders.handling_words import checks
from bot.orders.just_ended import as_node_says, copy_by, just_ended
from bot.orders.offers import fee_in, offer_of
from bot.orders.order_buttons import buttons
from bot.orders.schedule import DAY
from bot.orders.signing import confirmation, renewal
from bot.orders.words import (
    at_the_end,
    renewing_costs,
    sign_of,
    unconfirmed,
    why_over,
)
from bot.pipeline.context import Context
from bot.pipeline.formatting import gpus, joined, stacked
from bot.reply import (
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    apart,
    bold,
    code,
    emoji,
    line,
    listed,
    say,
    world_time,
)

_MOST_PAYMENTS = 12  # of a rental that was renewed often, the first ones
_ROOM = 800  # characters for its machines, and as many for those that are perhaps its own


async def shown_in_full(ctx: Context, found: RentalOrder) -> Reply:
    """All that is known of one rental, and what can be done for it."""
    facts = await ctx.services.orders.facts(found, ctx.actor, signs=True)
    found = facts.order
    head = say(
        "Order {order} for {node} {when}.",
        order=str(found.number), node=bold(facts.node), when=when(facts),
    )  # fmt: skip
    is_over = found.phase.is_over
    prices = None if is_over else await ctx.services.orders.prices.of(found.node)
    async with ctx.services.store.read() as tx:
        payments = await tx.money.payments([found.id])
    facts = replace(facts, offer=offer_of(found, prices, payments), fee=fee_in(payments))
    fields: list[tuple[Text, Line]] = [
        (say("GPUs"), line(_gpus(found))),
        *([] if is_over else [(say("Machines"), line(_machines(facts)))]),
        (say("Renter"), line(code(found.renter))),
        *_blocks(found),
        *_costs(found, payments, prices),
    ]
    shown = line(emoji(sign_of(facts)), " ", with_taker(head, facts))
    parts: list[Part] = [Para(shown), Fields(tuple(fields))]
    if found.phase is OrderPhase.WAITING and not facts.is_past(facts.goal):
        parts += [*unconfirmed(facts), *confirmation(found)]
    elif facts.is_ending:
        parts += just_ended(facts)
    elif found.phase is OrderPhase.RENTING and facts.is_past(found.ends):  # nobody has read it
        parts += [Note(line(copy_by(facts)))] if facts.has_machines else []
    elif found.phase is OrderPhase.RENTING:
        parts += [*at_the_end(facts), *_renewing(facts)]
    parts += [*why_over(facts), *as_node_says(facts)]
    acts = buttons(
        found,
        facts.head,
        sees=facts.sees,
        has_machines=facts.has_machines,
        is_shown=True,
        is_early=not facts.is_final,
        reader=ctx.actor,
    )
    if acts.buttons:
        parts.append(acts)
    return Reply(line(head), tuple(parts), private=True, data=data_of(facts))


def _renewing(facts: Facts) -> tuple[Part, ...]:
    """What renewing costs and its call; that only where no payment can be doubled by it."""
    if not facts.is_final:  # it has just been renewed or confirmed
        return ()
    if facts.is_read:
        return *renewing_costs(facts), *renewal(facts.order, DAY)
    if facts.order.signers:
        return (Note(line(checks(facts))),)
    told = say(
        "Sign this only if nobody has renewed the order since it was read: a second renewal is "
        "added to the first, and paid as well."
    )
    return Note(line(emoji("warning"), " ", told)), *renewal(facts.order, DAY)


def _gpus(order: RentalOrder) -> Text:
    """`2 GPUs (0, 1)`."""
    count, indexes = gpus(len(order.gpus)), listed(map(str, order.gpus))
    return say("{count} ({what})", count=count, what=indexes)


def _machines(facts: Facts) -> Text | Line:
    """What is on it, or why that is not told."""
    if not facts.sees:
        return say("you have no access to them")
    if facts.machines is None:
        return say("not listed yet")
    if not facts.machines:
        return say("none known here")
    perhaps = say("perhaps {machines}", machines=told_of(facts.unsure, _ROOM))
    sure = told_of(facts.sure, _ROOM)
    return apart([*([sure] if facts.sure else []), *([perhaps] if facts.unsure else [])])


def data_of(facts: Facts) -> Mapping[str, object]:
    """What is told of a rental to programs."""
    order = facts.order
    return {
        "order": order.number, "node": facts.node, "node_id": order.node, "renter": order.renter,
        "phase": str(order.phase), "gpu_indexes": list(order.gpus),
        "start_block": None if order.is_of_node else order.began,
        "end_block": order.ends, "block": facts.head, "read_at": world_time(order.seen_at),
        "taken_by": order.renewer or None,
        "taken_at": order.renewer_since if order.renewer else None,
    }  # fmt: skip


def _blocks(order: RentalOrder) -> list[tuple[Text, Line]]:
    """From when to when it was rented; a node alone names no beginning."""
    if order.is_of_node:
        return [(say("Blocks"), line(say("until block {block}", block=f"{order.ends:,}")))]
    return [
        (say("Blocks"), line(f"{order.began:,} – {order.ends:,}")),
        (say("Duration"), line(span(order.ends - order.began))),
    ]


def _costs(
    order: RentalOrder, payments: Sequence[Payment], prices: Prices | None
) -> list[tuple[Text, Line]]:
    """What it costs: as the books have it, else what the chain would ask now."""
    found: list[tuple[Text, Line]] = []
    if order.stake and not order.phase.is_over:
        offer = offer_of(order, prices, payments)
        price = line(in_dbc(order.stake)) if offer is None else both(offer.whole)
        found.append((say("Price"), price))
    elif payments and order.phase is not OrderPhase.LAPSED:  # then no more than the fee is lost
        found.append((say("Paid"), stacked(_paid(payments))))
    if prices is None or not prices.is_usable:
        return found
    if prices.fee:
        told = say("{amount}, once, and not returned", amount=in_dbc(prices.fee))
        found.append((say("Fee"), line(told)))
    if order.phase is OrderPhase.ENDED:  # nothing of it is paid for any more
        return found
    count, blocks = len(order.gpus), order.ends - order.began
    found.append((say("A day now"), _money(prices, count, PER_DAY)))
    found.append((say("An hour now"), _money(prices, count, PER_DAY // 24)))
    if not order.stake and not payments:
        whole = _money(prices, count, blocks)
        told = say("{price} (estimate, at the present price)", price=whole)
        found.append((say("All of it"), line(told)))
    return found


def _paid(payments: Sequence[Payment]) -> list[Line]:
    """What was paid for it, in all and each time."""
    amounts = [paid_in(one) for one in payments]
    rows = [both(summed(amounts))]
    if len(payments) > 1:
        rows += [
            line(say("blocks {begins} to {ends}", begins=f"{one.begins:,}", ends=f"{one.ends:,}"),
                 " ", both(amount))
            for one, amount in zip(payments, amounts, strict=True)
        ]  # fmt: skip
    return rows[:_MOST_PAYMENTS]


def _money(prices: Prices, gpus: int, blocks: int) -> Line:
    planck = prices.planck(gpus, blocks)
    usd = in_dollars(prices.usd(gpus, blocks))
    return line(usd) if planck is None else joined(usd, in_dbc(planck))
