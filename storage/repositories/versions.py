"""How often what is kept in memory has changed, by topic: the database itself counts it."""

from collections.abc import Mapping

from sqlalchemy import func, select

from storage.repositories.repository import Repository
from storage.tables import known_versions

NODES, NAMES, DEFAULTS, SESSIONS, SHARES = "nodes", "names", "defaults", "sessions", "shares"
_MACHINES = "machines:"  # followed by the node's id
_SUM = select(func.sum(known_versions.c.version))
_ALL = select(known_versions)


def node_of(topic: str) -> str:
    """The node whose machines are the topic; empty for another topic."""
    return topic.removeprefix(_MACHINES) if topic.startswith(_MACHINES) else ""


class Versions(Repository):
    """A counter a topic, which triggers count up in the transaction that changes something.

    So whoever changes it is noticed, also a former version of the bot and somebody with `psql`.
    """

    async def counted(self, before: int | None) -> Mapping[str, int] | None:
        """Every counter, by topic; None while there are no more changes than `before`."""
        if before is not None:  # each that is committed adds to the sum
            found = await self._connection.execute(_SUM)
            if (found.scalar_one() or 0) == before:
                return None
        rows = await self._connection.execute(_ALL)
        return {row.topic: row.version for row in rows}
