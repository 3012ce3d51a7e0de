"""Puts messages about orders into the outbox, in the unit of work of what they tell."""

from collections.abc import Sequence
from datetime import datetime

from bot.messages.wishes import quiet_until
from bot.model import Place
from bot.orders import said
from bot.orders.changes import Looked
from bot.reply import Reply, dump
from storage import UnitOfWork

# By its key.
Keyed = tuple[str, Place, Reply]


async def wanted(tx: UnitOfWork, messages: Sequence[Keyed], found: Looked | None) -> list[Keyed]:
    """These without those that are only edited, where they were never posted."""
    return [
        (key, place, reply)
        for key, place, reply in messages
        if not said.is_only_edited(key, found) or await tx.messages.find(key)
    ]


async def put(
    tx: UnitOfWork, messages: Sequence[Keyed], now: datetime, *, can_wait: bool = False
) -> None:
    """Have these told; those that can wait, after the quiet hours of who is told."""
    for key, place, reply in messages:
        held = await quiet_until(tx, place.channel, now) if can_wait else None
        await tx.messages.put(key, place, dump(reply), now, held_until=held)
