"""What is said of an order whose end has come: of what helps, and until when to copy."""

from bot.model import OrderPhase
from bot.orders.facts import Facts
from bot.orders.schedule import KEPT, deleted_at, goal_of
from bot.reply import Line, Note, Part, Phrase, bold, command, line, say, say_number, world_time


def just_ended(facts: Facts) -> tuple[Part, ...]:
    """That no renewal helps any more, and what still does; nothing is offered to be signed."""
    told = say(
        "It has ended by the newest block, which is not final yet. Unless it was renewed before, "
        "it can no longer be renewed.",
    )
    if not facts.has_machines:
        return (Note(line(told)),)
    lost = say(
        "Its machines lose power within 15 minutes, and the node deletes them after {time}. To "
        "copy what you need: {command}",
        time=line(world_time(deleted_at(facts.order))),
        command=command(f"order rescue {facts.order.number}"),
    )
    return (Note(line(told, " ", lost)),)


def ended_before(facts: Facts) -> Phrase:
    """That it has ended, where that is told so late that its node has switched them off."""
    return say_number(
        "Order {order} for {node} ended {end}. {machines} should be off by now, and the node "
        "deletes it with all disks and snapshots after {time}.",
        "Order {order} for {node} ended {end}. {machines} should be off by now, and the node "
        "deletes them with all disks and snapshots after {time}.",
        len(facts.sure) or 2,  # its machines, where none is known by name
        order=str(facts.order.number), node=bold(facts.node), machines=facts.lost,
        end=facts.earliest(facts.order.ends), time=facts.earliest(goal_of(facts.order)),
    )  # fmt: skip


def as_node_says(facts: Facts) -> tuple[Part, ...]:
    """Whose word it is, where nobody has read the order on the chain."""
    if not facts.order.is_of_node:
        return ()
    told = say(
        "As {node} says. The chain tells nothing of an order that has ended.",
        node=line(bold(facts.node)),
    )
    return (Note(line(told)),)


def copy_by(facts: Facts) -> Phrase:
    """Until when to copy its machines' data."""
    order = facts.order
    deleted = goal_of(order) if order.phase is OrderPhase.ENDED else order.ends
    named = {"node": line(bold(facts.node)), "time": facts.earliest(deleted)}
    if order.phase is OrderPhase.LAPSED:
        return say(
            "Copy at once what you need from {node}: order {order} has lapsed, and its machines "
            "can be switched off at any moment.",
            node=line(bold(facts.node)), order=str(order.number),
        )  # fmt: skip
    if order.phase is OrderPhase.RENTING and facts.is_past(order.ends):
        return _unread(facts)
    if order.phase is OrderPhase.ENDED and facts.is_past(deleted):  # which nobody has read yet
        return say(
            "Copy at once what you need from {node}: since {time} it may delete all of it.", **named
        )
    return say("Copy what you need from {node} before {time}.", **named)


def _unread(facts: Facts) -> Phrase:
    """Until when to copy its machines' data where nobody has read its end for certain."""
    if not facts.is_ending and facts.is_past(facts.order.ends + KEPT):
        return say(
            "Order {order} was to end {end}, and the chain could not be read since. Unless it was "
            "renewed, {node} may have deleted its machines since {time}. Copy at once what is "
            "left.",
            order=str(facts.order.number), node=line(bold(facts.node)),
            end=facts.earliest(facts.order.ends), time=line(world_time(deleted_at(facts.order))),
        )  # fmt: skip
    named: dict[str, str | Line] = {
        "order": str(facts.order.number), "node": line(bold(facts.node)),
        "time": line(world_time(deleted_at(facts.order))),
    }  # fmt: skip
    if facts.is_ending:
        return say(
            "Order {order} has ended by the newest block, which is not final yet. Copy what you "
            "need from {node} before {time}.",
            **named,
        )
    return say(
        "Order {order} was to end {end}, and the chain could not be read since. Unless it was "
        "renewed, copy what you need from {node} before {time}.",
        **named, end=facts.earliest(facts.order.ends),
    )  # fmt: skip
