"""When rentals end, in answers and before commands that are about something else."""

from collections.abc import Sequence

from bot.language.row_parts import Caution, Foreseen
from bot.messages import ways
from bot.model import DbcSession, Node, OrderPhase, RentalOrder
from bot.orders.facts import Facts, span
from bot.orders.schedule import DAY, goal_of, head_at
from bot.pipeline.context import Context, Services
from bot.reply import Actions, Button, Line, Note, Part, Text, bold, command, emoji, line, say

SOON = 3 * DAY  # blocks
_WAYS = 5  # buttons: the first ends first


def when(facts: Facts) -> Line:
    """`ends …, in 3 days`, or what else is to come of it next."""
    return line(_coming(facts), *(() if facts.is_read else (" ", _as_read(facts))))


def _as_read(facts: Facts) -> Text:
    return say(
        "(as read {time}: the chain cannot be read)", time=facts.earliest(facts.order.seen_block)
    )


def _coming(facts: Facts) -> Line:
    goal = goal_of(facts.order)
    if facts.is_past(goal) and not facts.order.phase.is_over:
        return line(_late(facts.order.phase, facts.earliest(goal)))
    at, left = facts.at(goal), span(goal - facts.head)
    if facts.order.phase is OrderPhase.WAITING:
        return line(say("to be confirmed by {time}, {left} left", time=at, left=left))
    if facts.order.phase is OrderPhase.RENTING:
        return line(say("ends {time}, in {left}", time=at, left=left))
    if facts.order.phase is OrderPhase.ENDED:
        at = facts.earliest(goal)
        told = say("has ended; machines are deleted after {time}, in {left}", time=at, left=left)
        return line(told)
    return line(say("is over"))


def _late(phase: OrderPhase, at: Line) -> Text:
    """What nobody has read yet, though it must have come."""
    if phase is OrderPhase.WAITING:
        return say("had to be confirmed by {time}", time=at)
    if phase is OrderPhase.RENTING:
        return say("was to end {time}", time=at)
    return say("has ended; machines were to be deleted after {time}", time=at)


async def ending(
    services: Services, sessions: Sequence[DbcSession], number: str | None = None
) -> tuple[Part, ...]:
    """Notes about orders of these sessions of which something comes soon, and the ways to those.

    With a `number`, all about that order, and about every order where it is empty.
    """
    orders = await services.orders.used_with(sessions) if sessions else []
    notes: list[Part] = []
    shown: list[Button] = []
    for order in orders:
        if number and str(order.number) != number:
            continue
        if number is not None or _left(services, order) <= SOON:
            notes.append(await _note(services, order))
            label = say("Show order {order}", order=str(order.number))
            shown.append(ways.to_order(order, label))
    return (*notes, Actions(tuple(shown[:_WAYS]))) if notes else ()


async def _note(services: Services, order: RentalOrder) -> Note:
    facts = await services.orders.facts(order)
    sign = emoji("alarm_clock" if _left(services, order) <= SOON else "calendar")
    told = say(
        "Order {order} for {node} {when}.",
        order=str(order.number), node=bold(facts.node), when=when(facts),
    )  # fmt: skip
    return Note(line(sign, " ", told))


def _left(services: Services, order: RentalOrder) -> int:
    return goal_of(order) - head_at(order, services.orders.chain.now)


async def ending_soon(ctx: Context, node: Node, **_others: object) -> Foreseen:
    """That the order of a node ends in a day, for whoever is about to make something there."""
    if not ctx.services.orders.chain.is_on:
        return Foreseen()
    sessions = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    here = [session for session in sessions if session.node == node.id]
    known = await ctx.services.orders.used_with(here) if here else []
    soon = [order for order in known if _left(ctx.services, order) <= DAY]
    if not soon:
        return Foreseen()
    facts = await ctx.services.orders.facts(soon[0])
    told = say(
        "Order {order} for {node} {when}. What is on it then is lost unless the order is renewed "
        "before its end. See: {command}",
        order=str(soon[0].number), node=bold(node.label), when=when(facts),
        command=command(f"order show {soon[0].number}"),
    )  # fmt: skip
    in_public = say(
        "The order for {node} {when}. What is on it then is lost unless the order is renewed "
        "before its end.",
        node=bold(node.label), when=when(facts),
    )  # fmt: skip
    return Foreseen(cautions=(Caution(told, in_public),))
