"""Warnings that could not name what is lost yet: told again, as edits, once it is known."""

from dataclasses import dataclass, replace
from datetime import timedelta

from bot.clock import Clock
from bot.model import RentalOrder
from bot.orders.changes import Looked
from bot.orders.concerned import People
from bot.orders.facts import Facts

_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told: the order before that, and what the look had found."""

    before: RentalOrder
    found: Looked
    at: timedelta


class Vague:
    """What was told last of orders whose machines, or their disks, nobody had read by then."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, Told] = {}

    def told(self, before: RentalOrder, found: Looked, facts: Facts, people: People) -> bool:
        """Note what was told first; says whether more can become known of it."""
        self._told.pop(found.order.id, None)
        is_vague = any(people.values()) and not facts.is_named
        if is_vague:
            self._told[found.order.id] = Told(before, found, self._clock.monotonic())
        return is_vague

    def again(self, order: RentalOrder) -> Told | None:
        """What was told of an order that is still the same, to be told as it is known by now."""
        told = self._told.get(order.id)
        if told is None:
            return None
        was = told.found.order
        is_same = (was.phase, was.ends) == (order.phase, order.ends)
        if not is_same or self._clock.monotonic() - told.at > _FOR:
            del self._told[order.id]
            return None
        return replace(told, found=replace(told.found, order=order))

    def is_open(self, order_id: str) -> bool:
        """Whether something is to be told again of an order."""
        return order_id in self._told

    def named(self, order_id: str) -> None:
        """It was told with all that is lost."""
        self._told.pop(order_id, None)
