"""Settles a change whose answer proves nothing by reading, never by sending it again."""

from collections.abc import Awaitable, Callable

from bot.dbc.errors import DbcError, NodeTimeout
from bot.errors import BotError


async def proved(change: Awaitable[object], is_done: Callable[[], Awaitable[bool]]) -> None:
    """Carry out a change; where nobody knows what became of it, look whether it is done.

    `is_done` must be certain: it is True only for a state that the change alone leads to. A node
    that keeps silent is not asked again.
    """
    try:
        await change
    except DbcError as error:
        if not error.outcome_unknown or isinstance(error, NodeTimeout):
            raise
        if not await _seen(is_done):
            raise


async def _seen(is_done: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_done()
    except BotError:
        return False
