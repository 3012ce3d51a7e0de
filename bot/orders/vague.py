"""Warnings that could not name what is lost yet: told again, as edits, once it is known. Pure.

What was told stands in the order's row, so that no restart forgets it.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.model import OrderPhase, RentalOrder
from bot.orders.changes import Event, Looked
from bot.orders.concerned import People
from bot.orders.facts import Facts
from bot.orders.schedule import stage_named

_FOR = timedelta(minutes=30)
_NAMING = {None, Event.ENDED, Event.GONE}  # warnings, and the events that name what is lost


@dataclass(frozen=True, slots=True)
class Told:
    """What was told: the order before that, and what the look had found."""

    before: RentalOrder
    found: Looked


def noted(
    order: RentalOrder, before: RentalOrder, found: Looked, facts: Facts, people: People
) -> RentalOrder:
    """The order with what was just told of it, as far as more can become known of that."""
    if not any(people.values()) or facts.is_named or found.event not in _NAMING:
        return clear(order)
    told = found.event or (found.stage.name if found.stage is not None else "")
    text = json.dumps([before.phase, before.told, told, order.phase, order.ends])
    return replace(order, vague=text, vague_since=facts.now)


def clear(order: RentalOrder) -> RentalOrder:
    """The order, of which nothing has to be told again."""
    return replace(order, vague="", vague_since=None)


def again(order: RentalOrder, now: datetime) -> Told | None:
    """What was told of an order that is still the same, to be told as it is known by now."""
    if order.vague_since is None or abs(now - order.vague_since) > _FOR:
        return None
    try:
        phase, told_before, told, its_phase, ends = json.loads(order.vague)
        before = replace(order, phase=OrderPhase(phase), told=told_before)
        event = Event(told) if told in set(Event) else None
    except (ValueError, TypeError):  # of a version that notes it otherwise
        return None
    if (its_phase, ends) != (order.phase, order.ends):
        return None
    stage = stage_named(told) if event is None else None
    found = Looked(order, event, stage)
    return Told(before, found) if event is not None or stage is not None else None
