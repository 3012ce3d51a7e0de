"""The buttons below what is told of an order. Pure."""

from enum import StrEnum

from bot.messages import ways
from bot.model import OrderPhase, RentalOrder
from bot.orders.schedule import can_be_rescued, goal_of, reached
from bot.reply import Actions, Button, say


class Handling(StrEnum):
    """What people say of an order that ends; each is the action of a button."""

    RENEWS = "order.renews"  # or confirms it
    INSTEAD = "order.instead"  # of whoever has taken it
    SNOOZE = "order.snooze"
    DONE = "order.done"  # that it is signed: the chain has to show it


def buttons(
    order: RentalOrder, head: int, *, sees: bool, has_machines: bool = True, is_shown: bool = False,
    is_early: bool = False, reader: str = "",
) -> Actions:  # fmt: skip
    """What can be done about an order, and the way to it unless it `is_shown` in full.

    Somebody confirms or renews it, or wants no more than the last warnings, before its end; who may
    not see (`sees`) its machines decides nothing, nor anybody where it `is_early`: long before the
    end. Before and after the end, machines can be copied where there may be any (`has_machines`),
    until the block is read after which their node deletes them. One `reader` who has said to renew
    or confirm it is not asked again.
    """
    shown = [] if is_shown else [ways.to_order(order)]
    if sees and goal_of(order) > head:
        if order.phase is OrderPhase.RENTING and not is_early:
            shown = [*_handling(order, head), *shown]
        if order.phase is OrderPhase.WAITING:
            value = _value(order)
            confirms = Button(say("I confirm it"), Handling.RENEWS, value)
            shown = [confirms, Button(say("Done"), Handling.DONE, value), *shown]
    if sees and has_machines and can_be_rescued(order, head):
        shown.append(ways.to_rescue(order))
    is_mine = bool(reader) and order.renewer == reader
    return Actions(tuple(one for one in shown if not is_mine or one.action != Handling.RENEWS))


def _handling(order: RentalOrder, head: int) -> list[Button]:
    value = _value(order)
    shown = [Button(say("I renew it"), Handling.RENEWS, value)]
    if not order.snoozed and can_snooze(order, head):
        shown.append(Button(say("Snooze"), Handling.SNOOZE, value))
    return [*shown, Button(say("Done"), Handling.DONE, value)]


def can_snooze(order: RentalOrder, head: int) -> bool:
    """Whether warnings are left that nobody needs who knows of it."""
    stage = reached(order, head)
    return stage is None or not stage.is_last


def instead(order: RentalOrder) -> Button:
    """Takes over from whoever has taken it."""
    return Button(say("Take it over"), Handling.INSTEAD, f"{_value(order)}:{order.renewer}")


def _value(order: RentalOrder) -> str:
    return f"{order.id}:{order.ends}:{order.phase}"


def meant(value: str) -> tuple[str, int, OrderPhase, str]:
    """What a click is about: the order's id, its end and phase, and from whom it is taken.

    An end that none has where it is odd. What an older version wrote is about the end.
    """
    order_id, ends, phase, taker, *_ = [*value.split(":"), "", "", "", ""]
    is_waiting = phase == OrderPhase.WAITING
    about = OrderPhase.WAITING if is_waiting else OrderPhase.RENTING
    return order_id, int(ends) if ends.isdecimal() else -1, about, taker
