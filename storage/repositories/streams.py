"""How far something that is read in order has been passed on, and who does it at the moment."""

from datetime import datetime

from sqlalchemy import or_, select, update

from storage.repositories.repository import Repository, at, is_free
from storage.tables import streams


class Streams(Repository):
    """Streams by name."""

    async def position(self, name: str) -> int:
        """The last row that was passed on; 0 before the first."""
        rows = await self._connection.execute(
            select(streams.c.position).where(streams.c.name == name)
        )
        return rows.scalar_one_or_none() or 0

    async def claim(self, name: str, by: str, now: datetime, until: datetime) -> int | None:
        """Lease the stream; gives its position, or None while somebody else passes it on.

        Condition: the lease is free, or held by `by`.
        """
        await self._connection.execute(
            self._insert(streams).values(name=name, position=0).on_conflict_do_nothing()
        )
        rows = await self._connection.execute(
            update(streams)
            .where(streams.c.name == name, or_(is_free(streams), streams.c.leased_by == by))
            .values(leased_by=by, leased_until=until)
            .returning(streams.c.position),
            at(now),
        )
        position: int | None = rows.scalar_one_or_none()
        return position

    async def move(self, name: str, by: str, position: int) -> bool:
        """Write down how far it was passed on, and end the lease; says whether `by` held it."""
        rows = await self._connection.execute(
            update(streams)
            .where(streams.c.name == name, streams.c.leased_by == by)
            .values(position=position, leased_by=None, leased_until=None)
            .returning(streams.c.name)
        )
        return rows.first() is not None
