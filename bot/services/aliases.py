"""Each person's own words for whole lines.

Kept in memory as well: a line is read before it is acknowledged, and nothing may wait for the
disk there.
"""

from collections.abc import Mapping

from bot.errors import NotFound, Refused
from bot.ids import UserId
from bot.reply import command, line, say
from storage import Store

MOST = 100  # of one person


class Aliases:
    """Aliases, from memory; every change goes to the database first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, str]] = {}

    def of(self, user: UserId) -> Mapping[str, str]:
        """What stands for what, for this person."""
        return self._known.get(user, {})

    async def refresh(self) -> None:
        """Read them all again: another process may have changed some."""
        async with self._store.read() as tx:
            self._known = await tx.aliases.all()

    async def add(self, user: UserId, name: str, body: str) -> None:
        """Let `name` stand for `body`. Raises Refused when there are too many."""
        if len(self.of(user)) >= MOST and name not in self.of(user):
            raise Refused(
                say("You have {most} aliases already.", most=MOST),
                hint=line(say("Remove one: {command}", command=command("alias remove"))),
            )
        async with self._store.write() as tx:
            await tx.aliases.set(user, name, body)
        await self.refresh()

    async def remove(self, user: UserId, name: str) -> None:
        """Forget an alias. Raises NotFound."""
        async with self._store.write() as tx:
            if not await tx.aliases.remove(user, name):
                raise NotFound(
                    say("You have no alias “{name}”.", name=name),
                    hint=line(say("See: {command}", command=command("alias list"))),
                )
        await self.refresh()
