"""The buttons below a warning that an order ends. Pure."""

from enum import StrEnum

from bot.model import RentalOrder
from bot.reply import Actions, Button, say


class Handling(StrEnum):
    """What people say of an order that ends; each is the action of a button."""

    RENEWS = "order.renews"
    SNOOZE = "order.snooze"


DONE = "order.done"  # says that its renewal was signed: the chain has to show it


def buttons(order: RentalOrder, *, is_last: bool) -> Actions:
    """Somebody takes it, or wants no more than the last warnings."""
    value = f"{order.id}:{order.ends}"
    shown = [Button(say("I renew it"), Handling.RENEWS, value)]
    if not is_last and not order.snoozed:
        shown.append(Button(say("Snooze"), Handling.SNOOZE, value))
    shown.append(Button(say("Done"), DONE, value))
    return Actions(tuple(shown))


def meant(value: str) -> tuple[str, int]:
    """The order's id and the end that a click is about; an end that none has where it is odd."""
    order_id, _, ends = value.partition(":")
    return order_id, int(ends) if ends.isdecimal() else -1
