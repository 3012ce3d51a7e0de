"""Tells whoever requested a change how it ended, where its card cannot be edited to say so."""

from datetime import datetime

from bot.messages.cards import card_key, end_key, execution_of, private_key
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
    for key in (end_key(execution.id), private_key(execution.id)):
        if await tx.messages.find(key) is not None:
            return
    card = await tx.messages.find(message.key)
    if card is not None and card.place.channel.startswith(("C", "G")):
        told = explained(load(card.content), card.place, reason, me)
        await tx.messages.put(end_key(execution.id), Place.direct(execution.actor), dump(told), now)
