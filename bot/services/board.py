"""Shows a change's card: the one in the channel and its copies, always all of them together."""

from datetime import datetime

from bot.model import Execution, Place
from bot.reply import Reply, dump
from bot.services.cards import card_key
from storage import UnitOfWork


async def show_card(tx: UnitOfWork, execution: Execution, card: Reply, now: datetime) -> None:
    """Let the card and every copy of it say `card`, in the unit of work of what it tells."""
    content = dump(card)
    key = card_key(execution.id)
    await tx.messages.put(key, execution.place, content, now)
    for copy in await tx.messages.copies(key):
        if copy.key != key:
            await tx.messages.put(copy.key, copy.place, content, now)


async def copy_card(
    tx: UnitOfWork, execution: Execution, card: Reply, user: str, now: datetime
) -> None:
    """Let `user` have a copy of the card in their direct messages from now on."""
    key = f"{card_key(execution.id)}:{user}"
    await tx.messages.put(key, Place(user), dump(card), now)
