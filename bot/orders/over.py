"""Old messages about an order, once it has moved on: they keep no button that only refuses."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from bot.messages import ways
from bot.model import Message, OrderPhase, RentalOrder
from bot.orders.changes import Event
from bot.orders.order_buttons import Handling, meant
from bot.orders.said import beginnings
from bot.reply import (
    Actions,
    Button,
    Note,
    Para,
    Part,
    Reply,
    Text,
    dump,
    line,
    load,
    say,
    sentences,
)
from storage import UnitOfWork

_WHY: dict[Event, Text] = {
    Event.CONFIRMED: say("This is over: the order was confirmed."),
    Event.RENEWED: say("This is over: the order was renewed."),
    Event.LAPSED: say("This is over: the order lapsed."),
    Event.VANISHED: say("This is over: the order vanished from the chain."),
    Event.ENDED: say("This is over: the order ended."),
    Event.GONE: say("This is over: the 72 hours after the end of the order have passed."),
}


async def settle(
    tx: UnitOfWork,
    before: RentalOrder,
    now_is: RentalOrder,
    event: Event,
    fresh: Collection[str],
    now: datetime,
) -> None:
    """Let what was told of an order `before` say that it is over, but for the `fresh` messages.

    What quiet hours still hold back is told no more.
    """
    why = _WHY.get(event)
    if why is None:
        return
    for beginning in beginnings(before):
        for message in await tx.messages.of_order(beginning):
            if message.key in fresh:
                continue
            over = _over(message, now_is, why)
            is_kept_back = over is not None and message.ref is None
            if over is None or (is_kept_back and await tx.messages.was_said(message.key)):
                continue
            await tx.messages.put(message.key, message.place, dump(over), now)


def _over(message: Message, order: RentalOrder, why: Text) -> Reply | None:
    """What a message says from now on; None where all that it offers still holds."""
    try:
        told = load(message.content)
    except ValueError:  # of a version that says it otherwise
        return None
    offered = [one for part in told.parts if isinstance(part, Actions) for one in part.buttons]
    kept = tuple(one for one in offered if _holds(one, order))
    if len(kept) == len(offered):
        return None
    first = next((part for part in told.parts if isinstance(part, Para)), None)
    parts: list[Part] = [first] if first is not None else []
    parts.append(Note(line(why)))
    if kept:
        parts.append(Actions(kept))
    return replace(told, summary=sentences((told.summary, why)), parts=tuple(parts))


def _holds(button: Button, order: RentalOrder) -> bool:
    """Whether a button can still do something about an order."""
    if button.action in set(Handling):
        _, ends, phase, _ = meant(button.value)
        return order.ends == ends and order.phase is phase
    return button.action != ways.RESCUE or order.phase in {OrderPhase.RENTING, OrderPhase.ENDED}
