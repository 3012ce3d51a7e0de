"""What people have said of an order already is offered to them no more. Pure.

In a channel all read the same: once somebody renews an order, it says who in place of the button.
"""

from dataclasses import replace

from bot.ids import UserId
from bot.model import OrderPhase, Place, RentalOrder
from bot.orders.order_buttons import Handling, meant
from bot.reply import Actions, Button, Line, Note, Part, Reply, line, mention, say, time

UNRENEWED = say("The chain has no renewal yet.")


def taker_of(order: RentalOrder) -> Line:
    """Who has said to confirm or renew it, and since when; nothing where nobody has."""
    person, since = mention(UserId(order.renewer)), order.renewer_since
    if not order.renewer or order.phase not in {OrderPhase.WAITING, OrderPhase.RENTING}:
        return ()
    if since is None:  # by an older version, which did not note it
        return line(say("{person} has said to renew it.", person=person))
    if order.phase is OrderPhase.WAITING:
        told = say("{person} said {time} to confirm it.", person=person, time=time(since))
        return line(told)
    return line(say("{person} said {time} to renew it.", person=person, time=time(since)))


def fitting(told: Reply, order: RentalOrder, place: Place) -> Reply:
    """A message about an order without the buttons for what is done, as it is read there."""
    done = _done(order, place)
    parts = [_without(part, order, done) for part in told.parts]
    return replace(told, parts=tuple(part for part in parts if part != Actions(())))


def told_anew(told: Reply, before: RentalOrder, order: RentalOrder, place: Place) -> Reply:
    """What was told of an order as it was `before`, now that people have said more of it."""
    shown = fitting(told, order, place)
    former, taker = taker_of(before), taker_of(order)
    parts = [_by(part, former, taker) for part in shown.parts]
    is_said = Note(taker) in parts or Note(line(taker, " ", UNRENEWED)) in parts
    if taker and not is_said and place.is_channel and shown != told:
        below = next((at for at, part in enumerate(parts) if isinstance(part, Actions)), len(parts))
        parts.insert(below, Note(taker))
    return replace(shown, parts=tuple(parts))


def _by(part: Part, former: Line, taker: Line) -> Part:
    """A note of who does it, with who has taken it over in their place."""
    if not (former and taker):
        return part
    if part == Note(line(former, " ", UNRENEWED)):
        return Note(line(taker, " ", UNRENEWED))
    return Note(taker) if part == Note(former) else part


def _done(order: RentalOrder, place: Place) -> set[str]:
    done = {Handling.SNOOZE} if order.snoozed else set[str]()
    if order.renewer and (place.is_channel or place.channel == order.renewer):
        done |= {Handling.RENEWS}
    return set(map(str, done))


def _without(part: Part, order: RentalOrder, done: set[str]) -> Part:
    if not isinstance(part, Actions):
        return part
    return Actions(tuple(one for one in part.buttons if not _is_done(one, order, done)))


def _is_done(button: Button, order: RentalOrder, done: set[str]) -> bool:
    if button.action not in done:
        return False
    order_id, ends, phase, _ = meant(button.value)
    return (order_id, ends, phase) == (order.id, order.ends, order.phase)
