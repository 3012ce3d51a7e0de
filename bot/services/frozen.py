"""Tells whoever looks after the bot that changes are frozen: no fault, but nothing runs."""

from bot.health import Health
from bot.reply import say, time
from storage import Store


class Frozen:
    """Keeps `health` told of a freeze, by whichever process it was begun; names nobody."""

    def __init__(self, store: Store, health: Health) -> None:
        self._store = store
        self._health = health

    async def look(self) -> None:
        """Look whether one is in force."""
        async with self._store.read() as tx:
            freeze = await tx.freezes.find()
        if freeze is None:
            self._health.does_without("")
            return
        self._health.does_without(
            say("Changes have been frozen since {at}.", at=time(freeze.since))
        )
