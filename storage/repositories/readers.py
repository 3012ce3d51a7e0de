"""Who reads in which language, as far as it is not the site's."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Literal

from sqlalchemy import delete, select

from bot.ids import Reader
from storage.repositories.repository import Repository
from storage.tables import readers

# What a person or a channel was set to, what Slack says of a person, and whose a direct message is.
About = Literal["person", "channel", "locale", "direct"]


class Readers(Repository):
    """One value for each id: a language, or for a direct message the person's id."""

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

    async def all(self) -> Mapping[str, dict[str, str]]:
        """All that is remembered, by what it is about."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for row in await self._connection.execute(select(readers)):
            found[row.about][row.id] = row.value
        return found
