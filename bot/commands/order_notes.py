"""When rentals end, in answers and before commands that are about something else.

Those never wait for the chain: what was read last is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.ids import UserId
from bot.language.row_parts import Caution, Foreseen
from bot.messages import ways
from bot.model import DbcSession, Execution, Machine, Node, OrderPhase, RentalOrder
from bot.orders.coming import OVER, when, with_taker
from bot.orders.facts import Facts
from bot.orders.finding import Search
from bot.orders.orders import Orders
from bot.orders.said import key_of_shared
from bot.orders.schedule import (
    DAY,
    KEPT,
    can_be_rescued,
    goal_of,
    head_at,
    is_left_by_lapse,
)
from bot.orders.words import priced, sign_of
from bot.pipeline.context import Context, Services
from bot.pipeline.ended import Ended, ended_of
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    bold,
    command,
    emoji,
    line,
    say,
    sentences,
)

SOON = 3 * DAY  # blocks
_COPY = say("Until then, copy your data: a machine that you start runs for 15 minutes at most.")
_RENT = say("For new machines, rent again.")
_WAYS = 5  # buttons: the first ends first


async def ending(
    services: Services, ended: Ended, reader: UserId,
    paying: Sequence[RentalOrder] | None = None,
) -> tuple[Part, ...]:  # fmt: skip
    """Notes about orders of which something comes soon, and the ways to those.

    Those `paying` for what is shown are told whenever they end, and no others. There is a way
    where the `reader` is told of the order.
    """
    notes: list[Part] = []
    shown: list[Button] = []
    for order in ended.told if paying is None else paying:
        if paying is not None or order.phase.is_over or _left(services.orders, order) <= SOON:
            has_machines = bool(await services.orders.holdings.machines_of(order))
            notes.append(Note(await _told(services, order, ended, has_machines=has_machines)))
            if await services.orders.holdings.tells(order, reader):
                shown += _ways(services.orders, order, has_machines=has_machines)
    return (*notes, Actions(tuple(shown[:_WAYS]))) if shown else tuple(notes)


async def pending(services: Services, ended: Ended, user: UserId) -> Mapping[str, Reply]:
    """What somebody who just gets a session has to know of orders, by the keys of the messages.

    Nothing of those whose machines they see already: they were told of them.
    """
    now, found = services.clock.now(), dict[str, Reply]()
    for order in ended.told:
        if await services.orders.holdings.sees(order, user):
            continue
        if order.phase.is_over or _left(services.orders, order) <= SOON:
            has_machines = bool(await services.orders.holdings.machines_of(order))
            told = await _told(services, order, ended, has_machines=has_machines, is_kept=True)
            acts = Actions(tuple(_ways(services.orders, order, has_machines=has_machines)))
            found[key_of_shared(order, user, now)] = Reply(told[2:], (Para(told), acts))
    return found


def _ways(orders: Orders, order: RentalOrder, *, has_machines: bool) -> list[Button]:
    """To an order, and to its machines' data where these are switched off or may be."""
    found = [ways.to_order(order, say("Show order {order}", order=str(order.number)))]
    head = head_at(order, orders.chain.now)
    if has_machines and order.phase in _DOOMED and can_be_rescued(order, head):
        label = say("Copy data of order {order} …", order=str(order.number))
        found.append(ways.to_rescue(order, label))
    return found


async def _told(
    services: Services, order: RentalOrder, ended: Ended, *, has_machines: bool,
    is_kept: bool = False,
) -> Line:  # fmt: skip
    facts = await services.orders.facts(order, at_once=True)
    order = facts.order
    if not has_machines:
        facts = replace(facts, machines=())
    sign = emoji("alarm_clock" if _left(services.orders, order) <= SOON else "calendar")
    if order.phase.is_over:
        sign = emoji(sign_of(facts))
    told = say(
        "Order {order} for {node} {when}.",
        order=str(order.number), node=bold(facts.node),
        when=when(facts, is_kept=is_kept),
    )  # fmt: skip
    said = [with_taker(told, facts)]
    if has_machines and is_left_by_lapse(order, facts.head):
        said.append(line(may_go(facts)))
    if order.phase is OrderPhase.ENDED and order.node not in ended.refusing:
        said += [line(_COPY)] if has_machines and not facts.is_past(facts.goal) else []
        said += [line(_RENT)] if order.node in ended.over else []
    return line(sign, " ", sentences(said))


def may_go(facts: Facts) -> Phrase:
    """What becomes of machines that were made before their order lapsed."""
    return say(
        "Its machines can be switched off at any moment, and may be deleted after {time}.",
        time=facts.earliest(facts.order.ends + KEPT),
    )  # fmt: skip


def _left(orders: Orders, order: RentalOrder) -> int:
    return goal_of(order) - head_at(order, orders.chain.now)


async def ending_soon(ctx: Context, node: Node, **_others: object) -> Foreseen:
    """That the order of a node ends in a day or is over, before anything is made there."""
    return await _foreseen(ctx, node)


async def ending_under(ctx: Context, vm: Machine, **_others: object) -> Foreseen:
    """The same before something is added to a machine."""
    node = await ctx.services.inventory.node_by_id(vm.node)
    return await _foreseen(ctx, node, vm)


async def running_under(ctx: Context, vm: Machine, **_others: object) -> Foreseen:
    """That a machine's order has ended, before it is started: its node switches it off again."""
    if not ctx.services.orders.chain.is_on:
        return Foreseen()
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    here = [session for session in usable if session.node == vm.node]
    known = await _paying(ctx, here, vm)
    if not known or any(one.phase not in _DOOMED for one in known):
        return Foreseen()
    facts = await ctx.services.orders.facts(known[0], at_once=True)
    if known[0].phase is OrderPhase.LAPSED:
        return _after_lapse(facts, vm)
    over = in_public = say("Each order that may pay for this machine has ended.")
    if len(known) == 1:
        over = say("Order {order} has ended.", order=str(known[0].number))
        in_public = say("The order has ended.")
    runs = _runs(facts, vm, is_sure=len(known) == 1)
    told, shown = (
        say("{sentence} {next}", sentence=line(one), next=line(runs)) for one in (over, in_public)
    )
    return Foreseen(cautions=(Caution(told, shown),))


def _after_lapse(facts: Facts, vm: Machine) -> Foreseen:
    """What becomes of a machine that is started though its order has lapsed."""
    goes = say(
        "{machine} can be switched off at any moment, and may be deleted after {time}.",
        machine=bold(vm.label), time=facts.earliest(facts.order.ends + KEPT),
    )  # fmt: skip
    over = say("Order {order} has lapsed.", order=str(facts.order.number))
    told, shown = (
        say("{sentence} {next}", sentence=line(one), next=line(goes))
        for one in (over, say("The order has lapsed."))
    )
    return Foreseen(cautions=(Caution(told, shown),))


async def comes_of(services: Services, execution: Execution) -> tuple[Note, ...]:
    """What becomes of a machine that was just brought up, where its order tells that soon.

    Where others read it, it names no order.
    """
    if not services.orders.chain.is_on:
        return ()
    ctx = Context.of(services, execution)
    node = await services.inventory.node_by_id(execution.node)
    known = await services.store.known()
    usable = await services.sessions.usable(ctx.actor, ctx.place.channel)
    machines = known.machines([(one.user, node.id) for one in usable])
    vm = next((one for one in machines if one.task == execution.task), None)
    found = Foreseen() if vm is None else await running_under(ctx, vm)
    if not found.cautions:
        found = await _foreseen(ctx, node, vm)
    in_public = ctx.place.is_channel
    told = [one.in_public if in_public else one.told for one in found.cautions]
    return tuple(Note(line(emoji("alarm_clock"), " ", one)) for one in told)


def _runs(facts: Facts, vm: Machine, *, is_sure: bool) -> Phrase:
    """For how long a machine runs whose order has ended, and what becomes of it."""
    machine, goal = bold(vm.label), goal_of(facts.order)
    if facts.is_past(goal):
        return say(
            "{machine} runs for 15 minutes at most, and can be deleted at any moment.",
            machine=machine,
        )
    if not is_sure:
        return say(
            "{machine} runs for 15 minutes at most and may be deleted after {time}.",
            machine=machine, time=facts.earliest(goal),
        )  # fmt: skip
    return say(
        "{machine} runs for 15 minutes at most and is deleted after {time}.",
        machine=machine, time=facts.earliest(goal),
    )  # fmt: skip


async def _foreseen(ctx: Context, node: Node, vm: Machine | None = None) -> Foreseen:
    orders = ctx.services.orders
    if not orders.chain.is_on:
        return Foreseen()
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    here = [session for session in usable if session.node == node.id]
    all_known = await orders.holdings.used_with(here) if here else []
    known = all_known if vm is None else await _paying(ctx, here, vm)
    live = [one for one in known if one.phase not in _DOOMED]
    soon = [one for one in live if _left(ctx.services.orders, one) <= DAY]
    if soon or (known and not live):
        return await _caution(ctx, node, (soon or known)[0])
    last = await orders.holdings.last_used_with(here) if here and not all_known else None
    if last is None:
        return Foreseen()
    is_searched = await orders.search_of(ctx.actor, here) is Search.DONE
    return _orderless(node, last, is_searched=is_searched)


async def _paying(
    ctx: Context, sessions: Sequence[DbcSession], vm: Machine
) -> Sequence[RentalOrder]:
    """Those that may pay for a machine, or paid until they lapsed: any where it names none."""
    orders = (await ended_of(ctx.services, sessions)).told
    for session in sessions:
        seen = await ctx.services.last_known.find(session, vm.task)
        number = seen.detail.rent_order if seen is not None else ""
        orders = await ctx.services.orders.concerned.paying(orders, vm, number)
    return [one for one in orders if one.phase is not OrderPhase.GONE]


async def _caution(ctx: Context, node: Node, order: RentalOrder) -> Foreseen:
    facts = await ctx.services.orders.facts(order, at_once=True)
    order = facts.order
    if order.phase not in _LOST:
        return _orderless(node, order, is_searched=True)
    label, coming, lost = bold(node.label), when(facts, is_kept=True), line(_LOST[order.phase])
    if order.phase is OrderPhase.RENTING and facts.is_past(order.ends):
        lost = line(_LOST_BY_NOW)
    elif order.phase is OrderPhase.RENTING and (
        offer := await ctx.services.orders.prices.offer(order)
    ):
        lost = sentences((lost, priced(offer)))
    see = command(f"order show {order.number}")
    told = say(
        "Order {order} for {node} {when}. {lost} See: {command}",
        order=str(order.number), node=label, when=coming, lost=lost, command=see,
    )  # fmt: skip
    in_public = say("The order for {node} {when}. {lost}", node=label, when=coming, lost=lost)
    return Foreseen(cautions=(Caution(told, in_public),))


_DOOMED = {OrderPhase.ENDED, OrderPhase.LAPSED}
_LOST = {
    OrderPhase.WAITING: say(
        "Unless the renter confirms it by then, the order lapses and what is on it is lost."
    ),
    OrderPhase.RENTING: say(
        "What is on it then is lost unless the order is renewed before its end."
    ),
    OrderPhase.ENDED: say(
        "What you add now is switched off and deleted with them. It cannot be renewed any more."
    ),
    OrderPhase.LAPSED: say(
        "What you add now can be switched off at any moment and deleted with its machines."
    ),
}
_LOST_BY_NOW = say(
    "Unless it was renewed before, what you add now is switched off and deleted with its machines."
)


def _orderless(node: Node, last: RentalOrder, *, is_searched: bool) -> Foreseen:
    """That nobody pays for the node any more, as far as is known here."""
    over = OVER[last.phase]
    told = say(
        "Order {order} for {node} {over}, and you have no other order for this node. What you put "
        "there can be switched off and deleted at any time.",
        order=str(last.number), node=bold(node.label), over=over,
    )  # fmt: skip
    in_public = say(
        "The order for {node} {over}. What is put there can be switched off and deleted at any "
        "time.",
        node=bold(node.label), over=over,
    )  # fmt: skip
    if not is_searched:
        told = say(
            "Order {order} for {node} {over}. The chain could not be searched for another one just "
            "now. Without one, what you put there can be switched off and deleted at any time.",
            order=str(last.number), node=bold(node.label), over=over,
        )  # fmt: skip
        in_public = say(
            "The order for {node} {over}. The chain could not be searched for another one just "
            "now. Without one, what is put there can be switched off and deleted at any time.",
            node=bold(node.label), over=over,
        )  # fmt: skip
    return Foreseen(cautions=(Caution(told, in_public),))
