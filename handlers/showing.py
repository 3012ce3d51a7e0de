"""A reply as whoever reads it is shown it: in their language, with what their Slack takes."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.ids import Reader
from bot.reply import Reply
from handlers.connection import SlackConnection
from handlers.render import message
from handlers.rendered import Rendered

T = TypeVar("T")


async def show(
    connection: SlackConnection,
    reply: Reply,
    reader: Reader,
    send: Callable[[Rendered], Awaitable[T]],
    *,
    may_try: bool = True,
) -> T:
    """Send a reply to a person, or to a conversation. Raises DeliveryFailed.

    Not `may_try`: nothing can be sent a second time where Slack refuses the first.
    """
    said, words = connection.spelled(reply, reader), connection.words(reader)

    def rendered(*, tables: bool) -> Rendered:
        return message(said, words, tables=tables)

    return await connection.tables.sent(rendered, send, may_try=may_try)
