"""What is said of an order's end where another order may pay for each of the machines."""

from bot.orders.facts import Facts, told_of
from bot.orders.schedule import KEPT, LOOP, deleted_at, goal_of
from bot.reply import Line, Note, Phrase, bold, line, say, say_number, world_time


def is_perhaps(facts: Facts) -> bool:
    """Whether machines are known, and of none of them is it certain that it is lost."""
    return bool(facts.unsure and not facts.sure)


def why(facts: Facts) -> Note:
    """Why none is certain."""
    told = say_number(
        "I do not know which order pays for it.", "I do not know which order pays for them.",
        len(facts.unsure),
    )  # fmt: skip
    return Note(line(told))


def _named(facts: Facts) -> dict[str, str | Line]:
    return {
        "order": str(facts.order.number), "node": line(bold(facts.node)),
        "machines": line(told_of(facts.unsure)),
    }  # fmt: skip


def deletes(facts: Facts) -> Phrase:
    """Before the deletion, or once its time has passed."""
    goal = goal_of(facts.order)
    if facts.is_past(goal):
        return say(
            "{node} may have deleted {machines} with all disks and snapshots since {time}.",
            **_named(facts), time=facts.earliest(goal),
        )  # fmt: skip
    return say(
        "{node} may delete {machines} with all disks and snapshots after {time}.",
        **_named(facts), time=facts.earliest(goal),
    )  # fmt: skip


def unseen_end(facts: Facts) -> Phrase:
    """The same where nobody has read the end, though it must have come."""
    goal = facts.order.ends + KEPT
    named = {**_named(facts), "end": facts.earliest(facts.order.ends)}
    if facts.is_past(goal):
        return say(
            "{node} may have deleted {machines} with all disks and snapshots, unless order {order} "
            "was renewed. It was to end {end}.",
            **named,
        )
    named["time"] = line(world_time(deleted_at(facts.order)))
    if facts.is_ending:
        return say(
            "{node} may delete {machines} with all disks and snapshots after {time}. Order {order} "
            "ended {end}.",
            **named,
        )
    return say(
        "{node} may delete {machines} with all disks and snapshots after {time}, unless order "
        "{order} was renewed. It was to end {end}.",
        **named,
    )


def ended(facts: Facts) -> Phrase:
    """That it has ended."""
    if facts.is_past(facts.order.ends + LOOP):
        return say(
            "Order {order} for {node} ended {end}. {machines} may be off by now, and the node may "
            "delete them with all disks and snapshots after {time}.",
            **_named(facts), end=facts.earliest(facts.order.ends),
            time=facts.earliest(goal_of(facts.order)),
        )  # fmt: skip
    return say(
        "Order {order} for {node} has ended. {machines} may lose power within 15 minutes, and the "
        "node may delete them with all disks and snapshots after {time}.",
        **_named(facts), time=facts.earliest(goal_of(facts.order)),
    )  # fmt: skip


def gone(facts: Facts) -> Phrase:
    """That the time for copying is over."""
    return say(
        "The 72 hours after the end of order {order} for {node} are over: the node may "
        "delete, or may have deleted, {machines}.",
        **_named(facts),
    )
