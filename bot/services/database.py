"""Looks whether the database takes what the bot keeps, and tells whoever runs the bot if not.

The process goes on: what a full disk or a server that restarts kept from it is done afterwards.
"""

import asyncio
import errno
import os
import random
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from weakref import WeakSet

import structlog

from bot import causes
from bot.clock import Clock
from bot.health import Health
from bot.reply import Text, say
from storage import (
    BEING_RESTORED,
    FileChanged,
    StorageFailed,
    StorageUnfit,
    Store,
    postgres_cause,
    sqlite_advice,
    sqlite_cause,
)
from storage.migrations import HEAD

T = TypeVar("T")

_WHAT = "the database"
_MEND = say("Check its disk.")
_MEND_SERVER = say("Check its server, and DATABASE_URL.")

_VERSION = "the version of the bot"

_RESTORED = say(
    "The database is being restored from a backup, so this process takes nothing more. Start it "
    "again once that is through."
)

_WRITING = timedelta(seconds=30)

# Between tries at the start, in seconds: the bot is there soon after its database.
_PAUSES = (0.5, 1, 2, 4, 8)

_FORGETS = WeakSet[Store]()  # the log has it that what is read is not kept there

log = structlog.get_logger()


async def once_it_works(clock: Clock, health: Health, do: Callable[[], Awaitable[T]]) -> T:
    """What `do` gives, as soon as the database lets it; it is done from its start each time.

    That it does not is said once. Raises StorageUnfit where waiting is of no use.
    """
    tries = 0
    while True:
        try:
            done = await do()
        except StorageUnfit:
            raise
        except StorageFailed as error:
            sentence = say(
                "The database that {setting} names cannot be used yet: {why}.",
                setting="DATABASE_URL", why=cause(error),
            )  # fmt: skip
            if health.lost(_WHAT, sentence, is_fatal=False):
                log.warning("database.unreachable", sentence=str(sentence), then="Retrying.")
            longest = _PAUSES[min(tries, len(_PAUSES) - 1)]
            tries += 1
            pause = longest * random.uniform(0.5, 1)  # noqa: S311 - spreads replicas, no secret
            await clock.sleep(timedelta(seconds=pause))
        else:
            if health.regained(_WHAT):
                log.info("database.works", after_tries=tries)
            return done


def cause(error: StorageFailed) -> Text:
    """The driver's kind of failure; its text may tell more than the log should hold."""
    if error.__cause__ is not None and (said := postgres_cause(error.__cause__)):
        return said
    cause = getattr(error.__cause__, "orig", error.__cause__)
    if isinstance(cause, sqlite3.Error):
        return sqlite_cause(cause, error.file)
    if isinstance(cause, FileChanged):
        return cause.why
    if isinstance(cause, FileNotFoundError) and cause.strerror == os.strerror(errno.ENOENT):
        # PostgreSQL's: SQLite has errors of its own.
        return say("no server has a socket there")
    return causes.cause(cause or error)


def advice(error: StorageFailed) -> Text:
    """What helps, where it is known; empty: whoever runs the bot looks at setting and server."""
    cause = getattr(error.__cause__, "orig", error.__cause__)
    if isinstance(cause, FileChanged):
        return cause.mend
    return sqlite_advice(cause, error.file) if isinstance(cause, sqlite3.Error) else ""


def not_remembered(store: Store, error: StorageFailed) -> None:
    """Log that something that was read, or that somebody was denied, is not kept.

    Once until something can be written again: the log may be on the same full disk.
    """
    if store not in _FORGETS:
        _FORGETS.add(store)
        log.warning("database.not_remembered", because=str(cause(error)))


class Database:
    """Keeps `health` told of the database."""

    def __init__(self, store: Store, health: Health, clock: Clock) -> None:
        self._store = store
        self._health = health
        self._clock = clock
        self._written: timedelta | None = None  # when the last trial succeeded
        self._fails = False
        self._superseded = asyncio.Event()
        self._successor: Text = ""  # what is told of the version that has taken over

    async def look(self) -> None:
        """Begin and end a unit of work, as everything does that the bot keeps.

        Now and then something is written in it: a disk that is full shows only then. What was
        erased leaves the journal, too, where somebody's long read kept it there. A successor is
        looked for first: its schema need not take what this version writes.
        """
        now = self._clock.monotonic()
        is_due = self._written is None or now - self._written >= _WRITING
        try:
            if await self._has_successor():
                return
            if is_due:
                await self._store.try_writing()
                self._written = now
                _FORGETS.discard(self._store)
            else:
                async with self._store.write():
                    pass
                await self._store.scrub()
        except StorageFailed as error:
            self._written = None  # it works again once something can be written
            self._fails = True
            mend = advice(error) or (_MEND_SERVER if error.file is None else _MEND)
            sentence = say(
                "The bot's database could not be read or written: {why}. {mend}",
                why=cause(error), mend=mend,
            )  # fmt: skip
            if self._health.lost(_WHAT, sentence, is_fatal=False):
                # What the driver says is all that there is to know: a traceback says no more.
                log.error("database.fails", because=str(cause(error)))  # noqa: TRY400
        else:
            self._fails = False
            if self._health.regained(_WHAT):
                log.info("database.works")

    @property
    def works(self) -> bool:
        """Whether something could be written since it was last in doubt."""
        return self._written is not None

    @property
    def fails(self) -> bool:
        """Whether the last look could not use it."""
        return self._fails

    def doubt(self) -> None:
        """Somebody could not use it: write something at the next look."""
        self._written = None

    async def migrate(self) -> bool:
        """Bring the schema to the revision of this version, and log it where it was another one.

        Says whether it was.
        """
        if former := await self._store.migrate():
            log.info("database.migrated", **{"from": former, "to": HEAD})
        return bool(former)

    async def superseded(self) -> Text:
        """Return once a newer version has migrated the database: what there is to tell of it."""
        await self._superseded.wait()
        return self._successor

    async def _has_successor(self) -> bool:
        """Whatever this version does not know of the schema, it leaves to the one that does."""
        revision = await self._store.newer_schema()
        if not revision or self._superseded.is_set():
            return bool(revision)
        self._successor = successor = (
            _RESTORED
            if revision == BEING_RESTORED
            else say(
                "A newer version of the bot has migrated the database (schema {revision}), so this "
                "process takes nothing more. Replace it by that version.",
                revision=revision,
            )
        )
        self._health.lost(_VERSION, successor, is_fatal=False)
        log.error("database.is_newer", schema=revision, then="This process takes nothing more.")
        self._superseded.set()
        return True
