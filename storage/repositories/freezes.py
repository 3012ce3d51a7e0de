"""Whether changes are frozen, and how many that destroy were sent lately."""

from datetime import datetime

from sqlalchemy import delete, select, text

from bot.model import Effect, Freeze
from storage.repositories.repository import FARTHEST_AHEAD, Repository
from storage.tables import executions, freezes

_EVERYTHING = "everything"
# To the letter as the partial index says it: SQLite would not use it otherwise.
_DESTROYS = text(f"effect = {Effect.DESTROY.value}")
_WAS_SENT = executions.c.put_back == ""


_FIND = select(freezes)


class Freezes(Repository):
    """One freeze for the whole site, or none."""

    async def find(self) -> Freeze | None:
        """The freeze that is in force."""
        rows = await self._connection.execute(_FIND)
        row = rows.mappings().first()
        return Freeze(row["person"], row["why"], row["since"]) if row is not None else None

    async def begin(self, freeze: Freeze) -> bool:
        """Put it in force; says whether there was none."""
        rows = await self._connection.execute(
            self._insert(freezes)
            .values(scope=_EVERYTHING, person=freeze.person, why=freeze.why, since=freeze.since)
            .on_conflict_do_nothing(index_elements=[freezes.c.scope])
        )
        return rows.rowcount > 0

    async def lift(self) -> bool:
        """End it; says whether there was one."""
        rows = await self._connection.execute(delete(freezes))
        return rows.rowcount > 0

    async def destroyed_since(self, moment: datetime, now: datetime, limit: int) -> list[datetime]:
        """When the last commands that destroy were sent, newest first, up to `limit` of them.

        What a restored backup held open was not sent, though it counts as begun. What was sent by a
        clock that was ahead does not count: it would for as long as that was ahead.
        """
        rows = await self._connection.execute(
            select(executions.c.started_at)
            .where(
                _DESTROYS,
                executions.c.started_at > moment,
                executions.c.started_at <= now + FARTHEST_AHEAD,
                _WAS_SENT,
            )
            .order_by(executions.c.started_at.desc())
            .limit(limit)
        )
        return [row.started_at for row in rows]
