"""A message that is edited until the last word stands in it, or taken away again.

For what is said while a person waits. Where Slack does not answer, it is looked for before anything
is posted again.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from bot.clock import Clock
from bot.model import MessageRef, Place
from bot.ports import DeliveryFailed, Unanswered
from bot.reply import Reply
from handlers.lookout import found, once
from handlers.slack import SlackMessenger

log = structlog.get_logger()


class Interlude:
    """At most one message in `place`."""

    def __init__(self, messenger: SlackMessenger, clock: Clock, place: Place) -> None:
        self._messenger = messenger
        self._clock = clock
        self._place = place
        self._key = f"answer:{secrets.token_urlsafe(12)}"
        self._since = clock.now()
        self._said: MessageRef | None = None
        self._settled_at: timedelta | None = None  # until then what was said may still appear
        self._is_over = False

    @property
    def may_stand(self) -> bool:
        """Whether something was said, as far as anybody knows."""
        return self._said is not None or self._settled_at is not None

    async def begin(self, reply: Reply) -> None:
        """Post it, without waiting until it has appeared. Raises DeliveryFailed."""
        try:
            self._said = await self._post(reply)
        except Unanswered as lost:
            self._settled_at = self._clock.monotonic() + lost.settles_within
            raise

    async def say(self, reply: Reply) -> MessageRef:
        """Let it say this, in place of what it said; the message. Raises DeliveryFailed."""
        self._is_over = False
        await self._settle()
        if self._said is None or not await self._edited(self._said, reply):
            self._said = await once(
                self._clock, partial(self._post, reply), self._look, self._doubled
            )
        return self._said

    async def take_back(self) -> None:
        """Take it away, if it stands there; nothing depends on it."""
        self._is_over = True
        try:
            await self._settle()
            said, self._said = self._said, None
            if said is not None:
                await self._messenger.delete(said)
        except DeliveryFailed as failed:
            log.info("interlude.stays", reason=failed.reason)

    async def _settle(self) -> None:
        if self._settled_at is not None:
            self._said = await found(self._clock, self._settled_at, self._look)
            self._settled_at = None
            if self._said is None:
                self._doubled()

    def _doubled(self) -> None:
        """It may appear after all, after it was given up."""
        self._messenger.keep_one(self._place, self._key, self._since, self._stays)

    def _stays(self, copies: Sequence[MessageRef]) -> MessageRef | None:
        if self._is_over:
            return None
        return self._said if self._said in copies else copies[0]

    async def _post(self, reply: Reply) -> MessageRef:
        return await self._messenger.post(self._place, reply, self._key)

    async def _look(self) -> MessageRef | None:
        return await self._messenger.find(self._place, self._key, self._since)

    async def _edited(self, said: MessageRef, reply: Reply) -> bool:
        """Replace what was said; False where it is gone."""
        try:
            await self._messenger.edit(said, reply)
        except DeliveryFailed as failed:
            if failed.retry_after is not None:
                raise
            return False
        return True
