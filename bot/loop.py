"""The event loop that the bot runs on: uvloop where there is one, asyncio's own elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_AT_ONCE = 250  # rows; SQLite and PostgreSQL write so many in a few milliseconds

new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # it is not made for every system
    import uvloop

    new_loop = uvloop.new_event_loop


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)


async def give_way() -> None:
    """Let others go on: SQLite is asked on the event loop, so that reading waits for nothing."""
    await asyncio.sleep(0)


async def in_pieces(items: Sequence[Item], size: int = _AT_ONCE) -> AsyncIterator[Sequence[Item]]:
    """The pieces of a list that may be long, with a turn for others between two of them.

    One statement of SQLite has thousands of parameters at most.
    """
    for start in range(0, len(items), size):
        if start:
            await give_way()
        yield items[start : start + size]
