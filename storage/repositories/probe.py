"""Whether the database still takes what is written."""

from sqlalchemy import bindparam, delete

from storage.repositories.repository import Repository
from storage.tables import defaults

PROBE = "probe"  # nobody's default: no person or channel is looked up by it
_SIZE = 4096  # characters; a whole page, so that a full disk shows
_OTHERS = delete(defaults).where(defaults.c.scope == PROBE, defaults.c.id != bindparam("its_mark"))


class Probe(Repository):
    """Writes what nobody reads."""

    async def write(self, by: str) -> None:
        """Write a page in place of the one before."""
        await self._connection.execute(
            self._insert(defaults)
            .values(scope=PROBE, id=by, node="x" * _SIZE)
            .on_conflict_do_nothing()
        )
        await self._connection.execute(_OTHERS, {"its_mark": by})
