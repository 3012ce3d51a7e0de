"""Looks at a database from beside, as the doctor does: changes nothing, migrates nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, inspect, select, text

from bot.model import Freeze
from storage.engine import open_engines
from storage.migrations import BEING_RESTORED, HEAD, is_known, revisions_of
from storage.postgres import PROCESSES, process_name
from storage.repositories.figures import FigureReader, Figures
from storage.repositories.freezes import Freezes
from storage.repositories.probe import PROBE
from storage.repositories.streams import Streams
from storage.tables import audit, defaults

# A process of the bot has many connections: counted are processes, by the names that they give.
_SERVER = text(
    "SELECT current_setting('server_version'), current_database(), coalesce(current_schema(), ''),"
    " count(DISTINCT application_name) FILTER (WHERE application_name LIKE :ours),"
    " count(DISTINCT application_name) FILTER (WHERE application_name LIKE :ours"
    "  AND (state <> 'idle' OR state_change > now() - interval '1 minute')),"
    " count(*) FILTER (WHERE application_name NOT LIKE :ours)"
    " FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user"
    " AND application_name <> :mine AND backend_type = 'client backend'"
)


@dataclass(frozen=True, slots=True)
class Schema:
    """Which revision the database has, and which one this version needs."""

    current: str  # empty: none yet
    needed: str
    is_newer: bool  # of a newer version, which this one refuses
    is_being_restored: bool = False  # no version uses it before that is through

    @property
    def is_newest(self) -> bool:
        """Whether nothing has to be migrated."""
        return self.current == self.needed and not self.is_being_restored


@dataclass(frozen=True, slots=True)
class Server:
    """Where a PostgreSQL database is, and who else uses it with the same account."""

    version: str
    database: str
    schema: str
    bots: int  # processes of the bot but this one
    quiet: int  # of these, how many have asked nothing for a minute
    programs: int  # connections of anything else
    is_pooled: bool  # a pooler stands between, and tells nobody's name for certain


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many rows have not been passed on, and since when the oldest one waits."""

    rows: int
    since: datetime | None


class Inspection:
    """Raises StorageFailed where the database does not answer. Close it at the end."""

    def __init__(self, url: str) -> None:
        self._engines = open_engines(url)

    async def schema(self) -> Schema:
        """The schema's revision."""
        async with self._engines.browsing() as connection:
            heads = await connection.run_sync(revisions_of)
        own = [head for head in heads if head != BEING_RESTORED]
        is_newer = not all(is_known(head) for head in own)
        return Schema(", ".join(own), HEAD, is_newer, own != heads)

    async def server(self) -> Server | None:
        """PostgreSQL's own word on what is connected to; None with SQLite."""
        if self._engines.file is not None:
            return None
        async with self._engines.browsing() as connection:
            names = {"ours": f"{PROCESSES}%", "mine": process_name()}
            version, database, schema, bots, lively, programs = (
                await connection.execute(_SERVER, names)
            ).one()
        quiet, is_pooled = bots - lively, self._engines.is_pooled
        return Server(version, database, schema, bots, quiet, programs, is_pooled)

    async def heartbeat(self) -> str:
        """What the bots have written last to see whether they can: living ones change it.

        Empty: there is nothing yet.
        """
        async with self._engines.browsing() as connection:
            return await connection.run_sync(_heartbeat)

    async def journal(self) -> str:
        """SQLite's journal mode; empty with PostgreSQL."""
        if self._engines.file is None:
            return ""
        async with self._engines.browsing() as connection:
            return str(await connection.scalar(text("PRAGMA journal_mode")))

    async def figures(self, now: datetime) -> Figures:
        """How much is open."""
        async with self._engines.browsing() as connection:
            return await FigureReader(connection).read(now)

    async def freeze(self) -> Freeze | None:
        """The freeze that is in force."""
        async with self._engines.browsing() as connection:
            return await Freezes(connection).find()

    async def waiting(self, stream: str) -> Waiting:
        """Which rows of the audit this stream has not passed on."""
        async with self._engines.browsing() as connection:
            position = await Streams(connection).position(stream)
            left = select(func.count(), func.min(audit.c.at)).where(audit.c.seq > position)
            rows, since = (await connection.execute(left)).one()
        try:
            return Waiting(rows, datetime.fromisoformat(since) if since else None)
        except ValueError:  # somebody has altered it: `audit verify` tells
            return Waiting(rows, None)

    async def close(self) -> None:
        """Let go of the database."""
        await self._engines.dispose()


def _heartbeat(connection: Connection) -> str:
    if not inspect(connection).has_table(defaults.name):  # a dump may be older
        return ""
    found = select(defaults.c.id).where(defaults.c.scope == PROBE).order_by(defaults.c.id)
    return " ".join(connection.execute(found).scalars())
