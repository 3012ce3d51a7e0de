"""A response_url: answers to one person where they typed or pressed, also without membership."""

from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.ids import Reader
from bot.ports import DeliveryFailed, Unanswered
from bot.reply import Reply
from handlers.connection import SlackConnection
from handlers.payloads import Json
from handlers.rendered import Rendered
from handlers.showing import show

log = structlog.get_logger()


class ResponseUrl:
    """A response_url: five uses in thirty minutes, also where the bot is no member.

    What was said with it cannot be replaced: `replace_original` means the message with the button,
    which a reply replaces that is `in_place`.
    """

    USES = 5
    LIFETIME = timedelta(minutes=30)

    def __init__(self, connection: SlackConnection, clock: Clock, url: str, reader: Reader) -> None:
        self._connection = connection
        self._clock = clock
        self._url = url
        self._reader = reader
        self._left = self.USES if url else 0
        self._until = clock.monotonic() + self.LIFETIME

    async def say(self, reply: Reply) -> bool:
        """Say it to the person alone; False where the url is of no more use.

        True also where nobody knows whether it was said: elsewhere it might be said twice.
        """
        if self._left == 0 or self._clock.monotonic() >= self._until:
            return False
        how: Json = {"response_type": "ephemeral", "replace_original": False}
        if reply.in_place:
            how = {"replace_original": True}

        async def send(shown: Rendered) -> None:
            self._left -= 1  # also what Slack refuses may be one of its uses
            body = {**how, "text": shown.text, "blocks": shown.blocks}
            await self._connection.respond(self._url, body)

        try:
            may_try = self._left > 1
            await show(self._connection, reply, self._reader, send, may_try=may_try)
        except Unanswered as lost:
            log.warning("answer.unconfirmed", reason=lost.reason)
        except DeliveryFailed:
            return False
        return True
