"""The buttons below what is told of an order. Pure."""

from enum import StrEnum

from bot.messages import ways
from bot.model import OrderPhase, RentalOrder
from bot.orders.schedule import reached
from bot.reply import Actions, Button, say


class Handling(StrEnum):
    """What people say of an order that ends; each is the action of a button."""

    RENEWS = "order.renews"
    SNOOZE = "order.snooze"


DONE = "order.done"  # says that its renewal was signed: the chain has to show it


def buttons(
    order: RentalOrder, head: int, *, sees: bool, is_shown: bool = False, is_early: bool = False
) -> Actions:
    """What can be done about an order, and the way to it unless it `is_shown` in full.

    Somebody renews it, or wants no more than the last warnings, before its end; who may not see
    (`sees`) its machines decides nothing, nor anybody where it `is_early`: long before the end.
    After it, they can be copied.
    """
    shown = [] if is_shown else [ways.to_order(order)]
    if sees and not is_early and order.phase is OrderPhase.RENTING and order.ends > head:
        shown = [*_handling(order, head), *shown]
    if sees and order.phase in {OrderPhase.RENTING, OrderPhase.ENDED}:
        shown.append(ways.to_rescue(order))
    return Actions(tuple(shown))


def _handling(order: RentalOrder, head: int) -> list[Button]:
    value, stage = f"{order.id}:{order.ends}", reached(order, head)
    shown = [Button(say("I renew it"), Handling.RENEWS, value)]
    if not order.snoozed and (stage is None or not stage.is_last):
        shown.append(Button(say("Snooze"), Handling.SNOOZE, value))
    return [*shown, Button(say("Done"), DONE, value)]


def meant(value: str) -> tuple[str, int]:
    """The order's id and the end that a click is about; an end that none has where it is odd."""
    order_id, _, ends = value.partition(":")
    return order_id, int(ends) if ends.isdecimal() else -1
