"""Settles a change whose answer proves nothing by reading, never by sending it again."""

from collections.abc import Awaitable, Callable

from bot.dbc.errors import DbcError, Delivery, NotAuthorised
from bot.dbc.reasons import Reason
from bot.errors import BotError


async def proved(change: Awaitable[object], is_done: Callable[[], Awaitable[bool]]) -> None:
    """Carry out a change; where nobody knows what became of it, look whether it is done.

    `is_done` must be certain: it is True only for a state that the change alone leads to.
    """
    try:
        await change
    except DbcError as error:
        if not leaves_open(error) or not await _seen(is_done):
            raise


def leaves_open(error: DbcError) -> bool:
    """Whether it may be done all the same.

    A manager takes a signature once, and this one was good: what it refuses for its signature may
    be the second copy of what it has carried out, made by something on the way.
    """
    if error.outcome_unknown:
        return True
    is_spent = isinstance(error, NotAuthorised) and error.reason is Reason.MANAGER_KEY
    return is_spent and error.delivery is Delivery.REFUSED


async def _seen(is_done: Callable[[], Awaitable[bool]]) -> bool:
    try:
        return await is_done()
    except BotError:
        return False
