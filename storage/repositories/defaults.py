"""The node that is meant where none is named: a person's, or a channel's."""

from sqlalchemy import delete, select

from bot.ids import NodeId, Reader
from bot.model import Scope
from storage.repositories.repository import Repository
from storage.tables import defaults

_ALL = select(defaults)


class Defaults(Repository):
    """One default node for each person and channel. `owner` is the id of either."""

    async def set(self, scope: Scope, owner: Reader, node: NodeId) -> None:
        """Make `node` the default."""
        await self._connection.execute(
            self._insert(defaults)
            .values(scope=scope, id=owner, node=node)
            .on_conflict_do_update(
                index_elements=[defaults.c.scope, defaults.c.id], set_={"node": node}
            )
        )

    async def get(self, scope: Scope, owner: Reader) -> NodeId | None:
        """The default node, if one was chosen."""
        rows = await self._connection.execute(
            select(defaults.c.node).where(defaults.c.scope == scope, defaults.c.id == owner)
        )
        return rows.scalar_one_or_none()

    async def remove(self, scope: Scope, owner: Reader) -> bool:
        """Forget the default; says whether there was one."""
        rows = await self._connection.execute(
            delete(defaults).where(defaults.c.scope == scope, defaults.c.id == owner)
        )
        return rows.rowcount > 0

    async def all(self) -> dict[tuple[str, Reader], NodeId]:
        """Every default node, by scope and owner."""
        rows = await self._connection.execute(_ALL)
        return {(row.scope, row.id): row.node for row in rows}
