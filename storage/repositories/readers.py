"""What is known of who reads: in which language, what they want to be told, and when not."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Literal

from sqlalchemy import bindparam, delete, select

from bot.ids import Reader
from storage.repositories.repository import Repository
from storage.tables import readers

# The language of a person or a channel, that which Slack says of a person, whose a direct message
# is; what a person or a channel is told, their quiet hours, and the hour of their digest; when
# somebody opened which pages of their App Home.
About = Literal["person", "channel", "locale", "direct", "notify", "quiet", "digest", "home"]


_ALL = select(readers)
_SOME = select(readers).where(
    readers.c.about.in_(bindparam("these", expanding=True)),
    readers.c.id.in_(bindparam("owners", expanding=True)),
)


class Readers(Repository):
    """One value for each id and what it is about."""

    async def set(self, about: About, owner: Reader, value: str) -> None:
        """Remember it, in place of what was remembered."""
        await self._connection.execute(
            self._insert(readers)
            .values(about=about, id=owner, value=value)
            .on_conflict_do_update(
                index_elements=[readers.c.about, readers.c.id], set_={"value": value}
            )
        )

    async def remove(self, about: About, owner: Reader) -> None:
        """Forget it."""
        await self._connection.execute(
            delete(readers).where(readers.c.about == about, readers.c.id == owner)
        )

    async def some(
        self, about: Collection[About], owners: Collection[Reader]
    ) -> Mapping[tuple[str, str], str]:
        """What is remembered of these, by what it is about and whom."""
        given = {"these": sorted(about), "owners": sorted(owners)}
        rows = await self._connection.execute(_SOME, given)
        return {(row.about, row.id): row.value for row in rows}

    async def all(self) -> Mapping[str, dict[str, str]]:
        """All that is remembered, by what it is about."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for row in await self._connection.execute(_ALL):
            found[row.about][row.id] = row.value
        return found
