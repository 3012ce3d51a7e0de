"""What stands in people's Home tabs, published anew while they are open and it has changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from cachetools import TTLCache

from bot.clock import Clock
from bot.ids import UserId
from bot.ports import Core, DeliveryFailed
from handlers.connection import SlackConnection
from handlers.payloads import Json
from handlers.readers import Readers
from handlers.recent import remember
from handlers.render import view_blocks
from handlers.shapes import OpenedView, shaped

# Slack does not tell that a tab was closed: so long after it was opened, or pressed in, it counts
# as open.
_OPEN = timedelta(minutes=10)
_MOST = 200  # people; each look costs a few queries
_AT_ONCE = 2  # looked at in one go

log = structlog.get_logger()


@dataclass(slots=True)
class _Shown:
    pages: str
    view: str
    hash: str | None  # what Slack calls the view as it was published; None: not by this process


class Homes:
    """The Home tabs that are open, or were a moment ago.

    Which pages stand there is kept in the view, for whichever replica takes a click in it. The one
    that published last goes on publishing: to the others Slack says that they know an older view.
    What a former process has shown is published anew.
    """

    def __init__(
        self, core: Core, connection: SlackConnection, readers: Readers, clock: Clock
    ) -> None:
        self._core = core
        self._connection = connection
        self._readers = readers
        self._clock = clock
        self._is_first = True
        self._shown: TTLCache[str, _Shown] = remember(clock, size=_MOST, lifetime=_OPEN)
        self._looked: list[str] = []  # the open ones, the one looked at last at the end

    async def show(self, user: UserId, pages: str = "") -> None:
        """Publish what the core says to `user`'s Home tab, whatever stands there."""
        view = await self._view(user, pages)
        published = await self._publish(user, view)
        self._shown[user] = _Shown(pages, json.dumps(view), published)

    async def refresh(self) -> None:
        """Publish those anew that say something else by now, a few at a time and in turn.

        A look may ask Slack who its owner is, and clicks and commands need what Slack allows.
        """
        if self._is_first:
            await self._take_up()
        for user in self._next():
            last = self._shown[user]
            try:
                view = await self._view(UserId(user), last.pages, is_open=True)
                is_newest = last.hash is not None or await self._is_noted(UserId(user), last.pages)
            except DeliveryFailed as failed:  # what stands there says more; it is looked at again
                log.info("home.not_looked_at", reason=failed.reason)
                continue
            except Exception:  # the others do not wait for this one
                log.exception("home.not_refreshed", user=user)
                self._drop(user, last)
                continue
            if not is_newest:  # somebody else has published another page by now
                self._drop(user, last)
            if self._shown.get(user) is not last:  # it was opened or turned meanwhile
                continue
            try:
                await self._replace(UserId(user), last, view)
            except DeliveryFailed as failed:  # whoever opens it again sees it as it is then
                log.info("home.not_refreshed", reason=failed.reason)
                self._drop(user, last)
            except Exception:  # the others do not wait for this one
                log.exception("home.not_refreshed", user=user)
                self._drop(user, last)

    async def _take_up(self) -> None:
        """Go on with those that a former process has shown: they say what was true then."""
        for user, pages in (await self._noted()).items():
            self._shown.setdefault(user, _Shown(pages, "", None))
        self._is_first = False

    async def _is_noted(self, user: UserId, pages: str) -> bool:
        """Whether `user` still sees these pages: Slack compares no hash where none is known.

        What another replica publishes between this and the next publication is overwritten; what
        stands there then is as true, and whoever turns the pages once more sees theirs.
        """
        return (await self._noted()).get(user) == pages

    async def _noted(self) -> Mapping[UserId, str]:
        return await self._core.open_homes(self._clock.now() - _OPEN)

    async def _replace(self, user: UserId, last: _Shown, view: Json) -> None:
        shown = json.dumps(view)
        if shown == last.view:
            return
        last.hash = await self._publish(user, view, last.hash)
        last.view = shown

    def _drop(self, user: str, last: _Shown) -> None:
        if self._shown.get(user) is last:
            del self._shown[user]

    def _next(self) -> list[str]:
        """The open ones that were looked at the longest ago, which are noted as looked at."""
        self._looked = [user for user in self._looked if user in self._shown]
        new = [user for user in self._shown if user not in self._looked]
        due = [*new, *self._looked][:_AT_ONCE]
        self._looked = [*(user for user in [*new, *self._looked] if user not in due), *due]
        return due

    async def _view(self, user: UserId, pages: str, *, is_open: bool = False) -> Json:
        reply = await self._core.home(user, pages, is_open=is_open)
        await self._readers.meet(user)
        parts = self._connection.spelled(reply, user).parts
        blocks = view_blocks(parts, self._connection.words(user))
        return {"type": "home", "private_metadata": pages, "blocks": blocks}

    async def _publish(self, user: UserId, view: Json, known: str | None = None) -> str:
        """Publish it, where a hash is `known` only in place of that view; the new one's hash."""
        answer = await self._connection.call("views.publish", user_id=user, view=view, hash=known)
        return shaped(OpenedView, answer).view.hash
