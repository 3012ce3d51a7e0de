"""The messages about orders. Pure builders: what happened, to what, what to do now."""

from collections.abc import Callable

from bot.model import OrderPhase
from bot.orders import perhaps
from bot.orders.amounts import both, in_dbc
from bot.orders.changes import Event
from bot.orders.facts import Facts, span, told_of
from bot.orders.handled import UNRENEWED, taker_of
from bot.orders.just_ended import as_node_says, ended_before
from bot.orders.offers import Offer
from bot.orders.order_buttons import buttons
from bot.orders.schedule import DAY, KEPT, LOOP, MINUTE, deleted_at, goal_of, reached
from bot.orders.signing import confirmation, renewal
from bot.reply import (
    Actions,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    bold,
    command,
    emoji,
    line,
    say,
    say_number,
    sentences,
    world_time,
)


def warning(facts: Facts) -> Reply:
    """A warning before something that has not come yet."""
    builders: dict[OrderPhase, Callable[[Facts], Reply]] = {
        OrderPhase.WAITING: _confirm,
        OrderPhase.RENTING: _ends,
        OrderPhase.ENDED: _deletion,
    }
    return builders[facts.order.phase](facts)


_SIGNS = {
    OrderPhase.WAITING: "alarm_clock", OrderPhase.ENDED: "rotating_light",
    OrderPhase.LAPSED: "x", OrderPhase.VANISHED: "grey_question", OrderPhase.GONE: "wastebasket",
}  # fmt: skip


def sign_of(facts: Facts) -> str:
    """The sign that an order has wherever it is told of: how near its end is."""
    if facts.order.phase in _SIGNS:
        return _SIGNS[facts.order.phase]
    stage = reached(facts.order, facts.head)
    if stage is None:
        return "large_green_circle"
    return "alarm_clock" if stage.is_last else "hourglass_flowing_sand"


def event(facts: Facts, happened: Event) -> Reply:
    """Something that has come."""
    return _EVENTS[happened](facts)


def short(facts: Facts, happened: Event) -> Reply:
    """The same in a line, where another message tells it."""
    told = event(facts, happened)
    return Reply(told.summary, told.parts[:1])


def message_about(facts: Facts, sign: str, sentence: Line, *parts: Part) -> Reply:
    """A message about an order: what is told, what else, and what can be done."""
    stale = () if facts.is_read else (unread(facts),)
    below = () if facts.order.phase.is_over else (_buttons(facts),)
    shown = Para(line(emoji(sign), " ", sentence))
    return Reply(sentence, (shown, *parts, *as_node_says(facts), *stale, *below))


def _buttons(facts: Facts) -> Actions:
    is_early = reached(facts.order, facts.head) is None
    return buttons(
        facts.order, facts.head, sees=facts.sees, has_machines=facts.has_machines, is_early=is_early
    )


def unread(facts: Facts) -> Note:
    """When it was read last, where that is long ago."""
    if facts.order.missing_since is not None:
        gone = say("The order was not found on the chain just now. That is being checked.")
        return Note(line(emoji("warning"), " ", gone))
    told = say(
        "This could not be read from the chain just now: it is as of {time}, and may have been "
        "confirmed or renewed since.",
        time=line(world_time(facts.order.seen_at)),
    )
    return Note(line(emoji("warning"), " ", told))


def order_and_node(facts: Facts) -> dict[str, str | Line]:
    """What most sentences name: the order and its node."""
    return {"order": str(facts.order.number), "node": line(bold(facts.node))}


def _confirm(facts: Facts) -> Reply:
    goal = goal_of(facts.order)
    if facts.is_past(goal):
        late = say(
            "Order {order} for {node} had to be confirmed by {time}. It may have lapsed.",
            **order_and_node(facts), time=facts.earliest(goal),
        )  # fmt: skip
        return message_about(facts, "alarm_clock", line(late))
    named = {**order_and_node(facts), "time": facts.at(goal)}
    sentence = say(
        "Confirm order {order} for {node} by {time}: at least {left} left as of this message.",
        **named, left=span(goal - facts.head),
    )  # fmt: skip
    if goal - facts.head < MINUTE:
        sentence = say(
            "Confirm order {order} for {node} by {time}: less than a minute left as of this "
            "message.",
            **named,
        )
    taken = () if not facts.order.renewer else (Note(taker_of(facts.order)),)
    called = confirmation(facts.order)
    return message_about(facts, "alarm_clock", line(sentence), *unconfirmed(facts), *called, *taken)


def unconfirmed(facts: Facts) -> tuple[Part, ...]:
    """What an order costs that waits for its confirmation, and what is lost without that."""
    lost = say(
        "Without a confirmation the order lapses. The renter then loses the machine, the order "
        "number and {fee}; the rest of the price is released.",
        fee=_fee(facts.offer.fee if facts.offer is not None else None),
    )
    if facts.offer is None:
        return (Note(line(lost)),)
    price = say(
        "Price: {price} for {duration}.",
        price=both(facts.offer.whole), duration=span(facts.offer.blocks),
    )  # fmt: skip
    return Note(line(price)), Note(line(lost))


def _fee(planck: int | None) -> Text:
    """The chain's fee, with how much it is where that is known."""
    return say("the {amount} fee", amount=in_dbc(planck)) if planck else say("the fee")


def _ends(facts: Facts) -> Reply:
    order = facts.order
    if facts.is_past(order.ends):
        return _unseen_end(facts)
    sentence = say(
        "Order {order} for {node} ends {time}.", **order_and_node(facts), time=facts.at(order.ends)
    )  # fmt: skip
    taken = () if not order.renewer else (_renewer(facts),)
    return message_about(
        facts, sign_of(facts), line(sentence), *at_the_end(facts), *renewing_costs(facts),
        *renewal(order, DAY), *taken,
    )  # fmt: skip


def _unseen_end(facts: Facts) -> Reply:
    """That the end must have come, which nobody has read: what is lost by then stands first."""
    goal = facts.order.ends + KEPT
    named = {
        **order_and_node(facts),
        "machines": facts.lost,
        "end": facts.earliest(facts.order.ends),
    }
    named["time"] = line(world_time(deleted_at(facts.order)))
    if not facts.has_machines:
        told = say("Order {order} for {node} was to end {end}, unless it was renewed.", **named)
        return message_about(facts, "alarm_clock", line(told), *at_the_end(facts))
    copy = () if facts.is_past(goal) else _copy(facts)
    if perhaps.is_perhaps(facts):
        told = perhaps.unseen_end(facts)
        return message_about(facts, "rotating_light", line(told), perhaps.why(facts), *copy)
    if facts.is_past(goal):
        told = say(
            "{node} deletes, or has deleted, {machines} with all disks and snapshots, unless order "
            "{order} was renewed. It was to end {end}.",
            **named,
        )
        return message_about(facts, "rotating_light", line(told), *_unsure(facts))
    told = say(
        "{node} deletes {machines} with all disks and snapshots after {time}, unless order {order} "
        "was renewed. It was to end {end}.",
        **named,
    )
    if facts.is_ending:
        told = say(
            "{node} deletes {machines} with all disks and snapshots after {time}. Order {order} "
            "ended {end}.",
            **named,
        )
    return message_about(facts, "rotating_light", line(told), *_unsure(facts), *copy)


def renewing_costs(facts: Facts) -> tuple[Part, ...]:
    """What a renewal costs, where the chain tells its price."""
    return () if facts.offer is None else (Note(line(priced(facts.offer))),)


def priced(offer: Offer) -> Text:
    """`Renewing costs … a day; … for 10 days, as paid for last.`"""
    if abs(offer.blocks - DAY) < DAY // 2:
        return say("At the present price, renewing costs {day} a day.", day=both(offer.day))
    return say(
        "At the present price, renewing costs {day} a day; {whole} for {duration}, as long as it "
        "was paid for last.",
        day=both(offer.day), whole=both(offer.whole), duration=span(offer.blocks),
    )  # fmt: skip


def _renewer(facts: Facts) -> Note:
    """Who has said to renew it, which is no renewal: what the chain has of it stands beside."""
    if not facts.is_read:
        return Note(taker_of(facts.order))
    return Note(line(taker_of(facts.order), " ", UNRENEWED))


def at_the_end(facts: Facts) -> tuple[Part, ...]:
    """What is lost at an order's end, and what saves it."""
    if not facts.has_machines:
        return (Note(line(say("No machine of it is known here."))),)
    told = say_number(
        "At its end {machines} loses power within 15 minutes. 72 hours later the node deletes it "
        "with all disks and snapshots. Renting again does not save it; renewing this order "
        "before its end does.",
        "At its end {machines} lose power within 15 minutes. 72 hours later the node deletes them "
        "with all disks and snapshots. Renting again does not save them; renewing this order "
        "before its end does.",
        len(facts.sure) or 2,  # its machines, where none is known by name
        machines=facts.lost,
    )
    return (Note(line(told)), *_unsure(facts))


def _unsure(facts: Facts) -> tuple[Part, ...]:
    """Which machines may be lost as well, where another order may pay for them."""
    if not facts.unsure:
        return ()
    told = say_number(
        "{machines} may be lost with order {order}: I do not know which order pays for it.",
        "{machines} may be lost with order {order}: I do not know which order pays for them.",
        len(facts.unsure),
        machines=told_of(facts.unsure), order=str(facts.order.number),
    )  # fmt: skip
    return (Note(line(told)),)


def _deletion(facts: Facts) -> Reply:
    goal = goal_of(facts.order)
    if perhaps.is_perhaps(facts):
        copy = () if facts.is_past(goal) else _copy(facts, says_end=True)
        told = line(perhaps.deletes(facts))
        return message_about(facts, "rotating_light", told, perhaps.why(facts), *copy)
    if facts.is_past(goal):
        late = say(
            "{node} was to delete {machines} with all disks and snapshots after {time}. It may "
            "have done so.",
            node=bold(facts.node), machines=facts.lost, time=facts.earliest(goal),
        )  # fmt: skip
        return message_about(facts, "rotating_light", line(late), *_unsure(facts))
    sentence = say(
        "{node} deletes {machines} with all disks and snapshots after {time}.",
        node=bold(facts.node), machines=facts.lost, time=facts.earliest(goal),
    )  # fmt: skip
    return message_about(
        facts, "rotating_light", line(sentence), *_unsure(facts), *_copy(facts, says_end=True)
    )


def _copy(facts: Facts, *, says_end: bool = False) -> tuple[Part, ...]:
    if not facts.sees:
        return ()
    told = say(
        "Renting a GPU of {node} again does not save them, but until then it is the only way to "
        "reach them. To copy what you need: {command}",
        node=line(bold(facts.node)), command=command(f"order rescue {facts.order.number}"),
    )  # fmt: skip
    ended = say("Order {order} has ended.", order=str(facts.order.number))
    return (Note(sentences((ended if says_end else "", told))),)


def _confirmed(facts: Facts) -> Reply:
    told = say(
        "Order {order} for {node} is confirmed. It ends {time}.",
        **order_and_node(facts), time=facts.at(facts.order.ends),
    )  # fmt: skip
    return message_about(facts, "white_check_mark", line(told), *_paid(facts))


def _renewed(facts: Facts) -> Reply:
    told = say(
        "Order {order} for {node} is renewed. It now ends {time}.",
        **order_and_node(facts), time=facts.at(facts.order.ends),
    )  # fmt: skip
    return message_about(facts, "white_check_mark", line(told), *_paid(facts))


def _paid(facts: Facts) -> tuple[Part, ...]:
    """What was paid for it just now, where the chain tells its price."""
    if facts.paid is None:
        return ()
    return (Note(line(say("Paid: {price}.", price=both(facts.paid)))),)


def _lapsed(facts: Facts) -> Reply:
    told = say(
        "Order {order} for {node} has lapsed: nobody confirmed it within 15 minutes.",
        **order_and_node(facts),
    )
    return message_about(facts, "x", line(told), *why_over(facts))


def _vanished(facts: Facts) -> Reply:
    told = say(
        "Order {order} for {node} is no longer on the chain, before its end.",
        **order_and_node(facts),
    )
    return message_about(facts, "grey_question", line(told), *why_over(facts))


def why_over(facts: Facts) -> tuple[Part, ...]:
    """What follows for whoever reads of an order that nothing comes of any more."""
    why = {
        OrderPhase.LAPSED: say(
            "The renter loses {fee}. The rest of the price is released. To rent it, rent again.",
            fee=_fee(facts.fee),
        ),
        OrderPhase.VANISHED: say("A fork may have undone it. Check it with the renter's wallet."),
    }.get(facts.order.phase)
    found = [Note(line(why))] if why is not None else []
    if facts.order.phase is OrderPhase.LAPSED:
        found += _lost_by_lapse(facts)
    return tuple(found)


def _lost_by_lapse(facts: Facts) -> list[Note]:
    """What becomes of machines that were made before the order lapsed, until that has come.

    Their node goes by the end that the order would have had.
    """
    deleted = facts.order.ends + KEPT
    if not facts.machines or facts.is_past(deleted):
        return []
    told = say(
        "{machines} can be switched off at any moment, and may be deleted with all disks and "
        "snapshots after {time}. To reach them, rent a GPU of {node} again.",
        machines=told_of(facts.machines), time=facts.earliest(deleted), node=bold(facts.node),
    )  # fmt: skip
    return [Note(line(emoji("warning"), " ", told))]


def _returned(facts: Facts) -> Reply:
    told = say(
        "Order {order} for {node} is on the chain after all. It is watched as before.",
        **order_and_node(facts),
    )
    return message_about(facts, "white_check_mark", line(told))


def _ended(facts: Facts) -> Reply:
    if not facts.has_machines:
        told = say(
            "Order {order} for {node} has ended. No machine of it is known here.",
            **order_and_node(facts),
        )
        return message_about(facts, "checkered_flag", line(told))
    if perhaps.is_perhaps(facts):
        told = perhaps.ended(facts)
        return message_about(facts, "rotating_light", line(told), perhaps.why(facts), *_copy(facts))
    if facts.is_past(facts.order.ends + LOOP) or facts.are_off:
        return message_about(
            facts, "rotating_light", line(ended_before(facts)), *_unsure(facts), *_copy(facts)
        )
    deleted = facts.earliest(goal_of(facts.order))
    told = say(
        "Order {order} for {node} has ended. Its machines lose power within 15 minutes, and the "
        "node deletes them with all disks and snapshots after {time}.",
        **order_and_node(facts), time=deleted,
    )  # fmt: skip
    if facts.sure:
        told = say_number(
            "Order {order} for {node} has ended. {machines} loses power within 15 minutes, and the "
            "node deletes it with all disks and snapshots after {time}.",
            "Order {order} for {node} has ended. {machines} lose power within 15 minutes, and the "
            "node deletes them with all disks and snapshots after {time}.",
            len(facts.sure),
            **order_and_node(facts), machines=facts.lost, time=deleted,
        )  # fmt: skip
    return message_about(facts, "rotating_light", line(told), *_unsure(facts), *_copy(facts))


def _gone(facts: Facts) -> Reply:
    if not facts.has_machines:
        over = say(
            "The 72 hours after the end of order {order} for {node} are over.",
            **order_and_node(facts),
        )
        return message_about(facts, "checkered_flag", line(over))
    if perhaps.is_perhaps(facts):
        return message_about(facts, "wastebasket", line(perhaps.gone(facts)), perhaps.why(facts))
    told = say(
        "The 72 hours after the end of order {order} for {node} are over: the node deletes, or has "
        "deleted, {machines}.",
        **order_and_node(facts), machines=facts.lost,
    )  # fmt: skip
    return message_about(facts, "wastebasket", line(told), *_unsure(facts))


_EVENTS: dict[Event, Callable[[Facts], Reply]] = {
    Event.CONFIRMED: _confirmed,
    Event.RENEWED: _renewed,
    Event.LAPSED: _lapsed,
    Event.VANISHED: _vanished,
    Event.ENDED: _ended,
    Event.GONE: _gone,
    Event.RETURNED: _returned,
}
