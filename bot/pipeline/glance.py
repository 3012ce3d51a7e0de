"""A short look at a node before a change: what is only needed where its answer gets lost."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from bot.dbc.errors import DbcError
from bot.ids import NodeId
from bot.pipeline.context import Context
from bot.pipeline.patience import unless_late

PATIENCE = timedelta(seconds=2)

T = TypeVar("T")


async def glance(ctx: Context, node: NodeId, read: Callable[[], Awaitable[T]]) -> T | None:
    """What is read, or None where the node does not tell at once; a silent one is not asked."""
    if ctx.dbc.silence(node) is not None:
        return None
    try:
        return await unless_late(ctx.services.clock, PATIENCE, read())
    except DbcError:
        return None
