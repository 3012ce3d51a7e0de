"""Whose App Home is open, as far as anybody knows: for the process that comes after this one."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

from bot.clock import UNTOLD
from bot.ids import UserId
from bot.pipeline.context import Services
from bot.pipeline.patience import courteously
from bot.reply import Reply


class Home(Protocol):
    """Makes somebody's App Home."""

    async def __call__(
        self, services: Services, user: UserId, pages: str, *, is_open: bool
    ) -> Reply:
        """What it shows."""
        ...


class OpenHomes:
    """The last Home of each person, and when they opened it or pressed something in it."""

    def __init__(self, services: Services, home: Home) -> None:
        self._services = services
        self._home = home

    async def show(self, user: UserId, pages: str, *, is_open: bool) -> Reply:
        """What `user` sees; what is shown anew, since it `is_open`, is remembered already."""
        if not is_open:
            await courteously(partial(self._note, user, pages))
        return await self._home(self._services, user, pages, is_open=is_open)

    async def _note(self, user: UserId, pages: str) -> None:
        """Remember that `user` sees these pages now; nothing where words are among them.

        Nobody knows what was typed as words, and what is kept here is not sealed.
        """
        numbers, _, words = pages.partition(" ")
        async with self._services.store.write() as tx:
            if words:
                await tx.readers.remove("home", user)
            else:
                moment = self._services.clock.now().isoformat()
                await tx.readers.set("home", user, f"{moment} {numbers}")

    async def since(self, moment: datetime) -> Mapping[UserId, str]:
        """Whose Homes were opened after that moment, with their pages."""
        async with self._services.store.read() as tx:
            kept = (await tx.readers.all()).get("home", {})
        seen = {UserId(user): value.partition(" ") for user, value in kept.items()}
        return {user: pages for user, (at, _, pages) in seen.items() if _moment(at) > moment}


def _moment(kept: str) -> datetime:
    """A moment as it is kept; what is damaged is long past, and keeps nobody else from theirs."""
    try:
        at = datetime.fromisoformat(kept)
    except ValueError:
        return UNTOLD
    return at if at.tzinfo is not None else UNTOLD
