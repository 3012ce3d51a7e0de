"""What is said of an order between its end and the final block that confirms it: half a minute."""

from bot.orders.facts import Facts
from bot.orders.schedule import deleted_at
from bot.reply import Line, Note, Part, Phrase, bold, command, line, say, time


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
        time=line(time(deleted_at(facts.order))),
        command=command(f"order rescue {facts.order.number}"),
    )
    return (Note(line(told, " ", lost)),)


def copy_by(facts: Facts) -> Phrase:
    """Until when to copy its machines' data, also where nobody could read its end."""
    named: dict[str, str | Line] = {
        "order": str(facts.order.number), "node": line(bold(facts.node)),
        "time": line(time(deleted_at(facts.order))),
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
