"""Looks whether the database takes what the bot keeps, and tells whoever runs the bot if not.

The process goes on: what a full disk or a server that restarts kept from it is done afterwards.
"""

from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.health import Health
from bot.ids import new_id
from storage import StorageFailed, Store

_WHAT = "the database"
_MEND = "Check its disk or server; if its file was deleted or replaced, restart the bot."

_WRITING = timedelta(seconds=30)

log = structlog.get_logger()


class Database:
    """Keeps `health` told of the database."""

    def __init__(self, store: Store, health: Health, clock: Clock) -> None:
        self._store = store
        self._health = health
        self._clock = clock
        self._written: timedelta | None = None  # when the last trial succeeded

    async def look(self) -> None:
        """Begin and end a unit of work, as everything does that the bot keeps.

        Now and then something is written in it: a disk that is full shows only then.
        """
        now = self._clock.monotonic()
        is_due = self._written is None or now - self._written >= _WRITING
        try:
            async with self._store.write() as tx:
                if is_due:
                    await tx.probe.write(new_id())
            if is_due:
                self._written = now
        except StorageFailed as error:
            self._written = None  # it works again once something can be written
            if self._health.lost(_WHAT, f"{error.sentence} {_MEND}", is_fatal=False):
                log.exception("database.fails")
        else:
            if self._health.regained(_WHAT):
                log.info("database.works")
