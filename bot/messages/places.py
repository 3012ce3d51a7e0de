"""Where a message is posted: its own place, a thread there, or with the requester directly."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from bot.correlation import part_of
from bot.messages.cards import CARD, DIGESTS, ENDS, execution_of
from bot.model import Message, Place
from bot.ports import Messenger
from storage import Store


class Places:
    """Finds out where a message belongs at this moment."""

    def __init__(self, store: Store, messenger: Messenger) -> None:
        self._store = store
        self._messenger = messenger

    async def own(self, message: Message) -> Place:
        """Its place; the thread there in which it belongs, if what begins that is posted."""
        return await self._in_thread(message, message.place)

    async def there(self, message: Message) -> Sequence[Place]:
        """Wherever it may stand in its channel: in that thread, or outside of it."""
        own = await self.own(message)
        return [own] if own == message.place else [own, message.place]

    async def otherwise(self, message: Message) -> Place | None:
        """Where the bot cannot post in the channel, the requester gets a direct message.

        Not what was meant for one person's direct messages: it is nobody else's. Nor what a
        channel's digest tells: they have read that in its thread.
        """
        if message.place.channel.startswith(("U", "W")):
            return None
        if message.key.startswith(DIGESTS):
            return None
        async with self._store.read() as tx:
            execution = await tx.executions.find(execution_of(message.key))
        if execution is None:
            return None
        return await self._in_thread(message, await self._messenger.direct(execution.actor))

    async def _in_thread(self, message: Message, place: Place) -> Place:
        if not message.under:
            return place
        async with self._store.read() as tx:
            above = await tx.messages.find(message.under)
        return place if above is None else above.thread_in(place)


def telling(message: Message) -> AbstractContextManager[None]:
    """What is done within belongs to the command whose card or end the message is, if it is one."""
    is_of_one = message.key.startswith((CARD, ENDS))
    return part_of(execution_of(message.key) if is_of_one else "")
