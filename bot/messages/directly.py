"""Tells whoever requested a change how it ended, where its card cannot be edited to say so."""

from datetime import datetime

from bot.ids import ExecutionId
from bot.messages.cards import CARD, card_key, end_key, execution_of, private_key
from bot.messages.elsewhere import explained
from bot.model import ExecutionStatus, Message, Place
from bot.reply import dump, load
from storage import UnitOfWork

_NOT_TOLD = frozenset({ExecutionStatus.CANCELLED})  # by whoever requested it


async def tell_directly(
    tx: UnitOfWork, message: Message, reason: str, me: str, now: datetime
) -> None:
    """Tell them in their direct messages, once; not where a message of its own tells it anyway."""
    execution = await tx.executions.find(execution_of(message.key))
    if execution is None or message.key != card_key(execution.id):
        return
    if not execution.status.is_end or execution.status in _NOT_TOLD:
        return
    if await _has_own_message(tx, execution.id):
        return
    card = await tx.messages.find(message.key)
    if card is not None and card.place.channel.startswith(("C", "G")):
        told = explained(load(card.content), card.place, reason, me)
        await tx.messages.put(end_key(execution.id), Place.direct(execution.actor), dump(told), now)


async def is_told_apart(tx: UnitOfWork, message: Message) -> bool:
    """Whether it is a card, or a copy of one, whose end is told without it."""
    if not message.key.startswith(CARD):
        return False
    execution = await tx.executions.find(execution_of(message.key))
    if execution is None or not execution.status.is_end:
        return False
    is_copy = message.key != card_key(execution.id)
    is_known = is_copy or execution.status in _NOT_TOLD
    return is_known or await _has_own_message(tx, execution.id)


async def _has_own_message(tx: UnitOfWork, execution: ExecutionId) -> bool:
    """Whether a message beside the card tells the end."""
    for key in (end_key(execution), private_key(execution)):
        if await tx.messages.find(key) is not None:
            return True
    return False
