"""Old messages about an order, once it has moved on: they keep no button that only refuses."""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.messages import ways
from bot.model import Message, Place, RentalOrder
from bot.orders.changes import Event
from bot.orders.order_buttons import Handling, meant
from bot.orders.said import beginnings, is_of_end, is_of_share, is_warning
from bot.orders.schedule import can_be_rescued
from bot.reply import (
    Actions,
    Button,
    Line,
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
    Event.MOVED: say("This is over: the order ends earlier now."),
    Event.LATER: say("This is over: the chain had stood still, so its moments come later."),
    Event.UNSEEN: say("This is over: its time has passed, and the chain could not be read since."),
    Event.GONE: say("This is over: the 72 hours after the end of the order have passed."),
}
_LATER = say("This is over: a later warning says what holds.")
_BACK = say("The order is on the chain after all. It is watched as before.")


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
    if event not in _WHY:
        return
    for beginning in beginnings(before):
        for message in await tx.messages.of_order(beginning):
            if message.key in fresh:
                continue
            over = _over(message, now_is, event)
            is_kept_back = over is not None and message.ref is None
            if over is None or (is_kept_back and await tx.messages.was_said(message.key)):
                continue
            await tx.messages.put(message.key, message.place, dump(over), now)


async def supersede(
    tx: UnitOfWork, order: RentalOrder, fresh: Collection[tuple[str, Place]], now: datetime
) -> None:
    """Let former warnings of an order that stand nowhere yet be told no more beside `fresh` ones.

    What quiet hours hold back, or Slack did not take. What it may have taken says that it is over.
    """
    keys, places = {key for key, _ in fresh}, {place for _, place in fresh}
    for message in await tx.messages.of_order(beginnings(order)[-1]):
        is_former = is_warning(message.key) and message.key not in keys
        if not (is_former and message.place in places and is_awaited(message)):
            continue
        if not await tx.messages.was_said(message.key):
            with suppress(ValueError):  # of a version that says it otherwise
                told = _short(load(message.content), _LATER)
                await tx.messages.put(message.key, message.place, dump(told), now)


async def unshown_end(tx: UnitOfWork, order: RentalOrder) -> set[str]:
    """The keys of what tells an order's end and stands nowhere yet."""
    known = await tx.messages.of_order(beginnings(order)[-1])
    return {one.key for one in known if is_of_end(one.key) and is_awaited(one)}


def is_awaited(message: Message) -> bool:
    """Whether a message stands nowhere, and should."""
    return message.ref is None and not message.was_said and not message.is_told_elsewhere


async def unsettle(
    tx: UnitOfWork, before: RentalOrder, fresh: Collection[str], now: datetime
) -> None:
    """Let what says that an order is over, which was lost as it was `before`, take that back."""
    if str(before.phase) not in set(Event):
        return
    why = _WHY.get(Event(before.phase))
    for beginning in beginnings(before):
        for message in await tx.messages.of_order(beginning):
            if why is None or message.key in fresh:
                continue
            back = _back(message, why)
            is_kept_back = back is not None and message.ref is None
            if back is None or (is_kept_back and await tx.messages.was_said(message.key)):
                continue
            await tx.messages.put(message.key, message.place, dump(back), now)


def _back(message: Message, why: Text) -> Reply | None:
    """What a message says instead of `why` it was over; None for one that does not say so."""
    try:
        told = load(message.content)
    except ValueError:  # of a version that says it otherwise
        return None
    over = Note(line(why))
    if over not in told.parts:
        return None
    parts = tuple(Note(line(_BACK)) if part == over else part for part in told.parts)
    return replace(told, summary=sentences((_news(told), _BACK)), parts=parts)


def _news(told: Reply) -> Line | Text:
    """What a message said first: its first paragraph, without the sign before it."""
    first = told.parts[0] if told.parts else None
    return first.text[2:] if isinstance(first, Para) else told.summary


def _over(message: Message, order: RentalOrder, event: Event) -> Reply | None:
    """What a message says from now on; None where all that it offers still holds.

    A call to sign never does, whoever got it: signed a second time, a renewal is paid twice.
    """
    try:
        told = load(message.content)
    except ValueError:  # of a version that says it otherwise
        return None
    offered = [one for part in told.parts if isinstance(part, Actions) for one in part.buttons]
    kept = tuple(one for one in offered if _holds(one, order, event))
    calls = any(not isinstance(part, Para | Note | Actions) for part in told.parts)
    calls |= is_of_share(message.key)  # it says until when, and that is over
    is_back = Note(line(_BACK)) in told.parts  # which holds no more
    if len(kept) == len(offered) and not calls and not is_back:
        return None
    below: tuple[Part, ...] = (Actions(kept),) if kept else ()
    if any(Note(line(why)) in told.parts for why in _WHY.values()):  # said before
        said = tuple(part for part in told.parts if not isinstance(part, Actions))
        return replace(told, parts=(*said, *below))
    return _short(told, _WHY[event], *below)


def _short(told: Reply, why: Text, *below: Part) -> Reply:
    """What a message said first, and why that is over."""
    first = tuple(part for part in told.parts if isinstance(part, Para))[:1]
    summary = sentences((_news(told), why))
    return replace(told, summary=summary, parts=(*first, Note(line(why)), *below))


def _holds(button: Button, order: RentalOrder, event: Event) -> bool:
    """Whether a button can still do something about an order."""
    if button.action in set(Handling):
        _, ends, phase, _ = meant(button.value)
        holds = order.ends == ends and order.phase is phase
        return holds and event is not Event.UNSEEN
    if button.action != ways.RESCUE:
        return True
    # Behind a renewal, it is the messages about the new end that have it.
    return can_be_rescued(order, order.seen_block) and event is not Event.RENEWED
