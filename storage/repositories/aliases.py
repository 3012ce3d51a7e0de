"""Words that people chose to stand for whole lines."""

from sqlalchemy import delete, select

from bot.ids import UserId
from storage.repositories.repository import Repository
from storage.tables import aliases

_ALL = select(aliases).order_by(aliases.c.name)


class Aliases(Repository):
    """Each person's own; nobody else's lines change by them."""

    async def set(self, user: UserId, name: str, body: str) -> None:
        """Let `name` stand for `body`, in place of what it stood for."""
        await self._connection.execute(
            self._insert(aliases)
            .values(user=user, name=name, body=body)
            .on_conflict_do_update(
                index_elements=[aliases.c.user, aliases.c.name], set_={"body": body}
            )
        )

    async def remove(self, user: UserId, name: str) -> bool:
        """Forget an alias; says whether there was one."""
        rows = await self._connection.execute(
            delete(aliases).where(aliases.c.user == user, aliases.c.name == name)
        )
        return rows.rowcount > 0

    async def all(self) -> dict[str, dict[str, str]]:
        """Everyone's aliases: by person, then by name."""
        rows = await self._connection.execute(_ALL)
        found: dict[str, dict[str, str]] = {}
        for row in rows.mappings():
            found.setdefault(row["user"], {})[row["name"]] = row["body"]
        return found
