"""Looks whether the database takes what the bot keeps, and tells whoever runs the bot if not.

The process goes on: what a full disk or a server that restarts kept from it is done afterwards.
"""

import structlog

from bot.health import Health
from storage import StorageFailed, Store

_WHAT = "the database"
_MEND = "Check its disk or server; if its file was deleted or replaced, restart the bot."

log = structlog.get_logger()


class Database:
    """Keeps `health` told of the database."""

    def __init__(self, store: Store, health: Health) -> None:
        self._store = store
        self._health = health

    async def look(self) -> None:
        """Begin and end a unit of work, as everything does that the bot keeps."""
        try:
            async with self._store.write():
                pass
        except StorageFailed as error:
            if self._health.lost(_WHAT, f"{error.sentence} {_MEND}", is_fatal=False):
                log.exception("database.fails")
        else:
            if self._health.regained(_WHAT):
                log.info("database.works")
