"""The event loop that the bot runs on: uvloop where there is one, asyncio's own elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import structlog

Item = TypeVar("Item")
Result = TypeVar("Result")

_COURTESY = 2.0  # seconds, for what is cancelled to end
_AT_ONCE = 250  # rows; SQLite and PostgreSQL write so many in a few milliseconds

log = structlog.get_logger()

new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # it is not made for every system
    import uvloop

    new_loop = uvloop.new_event_loop


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, as `asyncio.run` does; but wait for no task that goes on although cancelled.

    What such a task would still do is cut off with the process.
    """
    runner = asyncio.Runner(loop_factory=new_loop)
    try:
        return runner.run(work)
    finally:
        if runner.run(_all_end()):
            runner.close()


async def _all_end() -> bool:
    """Cancel what is left; whether all of it has ended."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    stuck = (await asyncio.wait(left, timeout=_COURTESY))[1] if left else set()
    if stuck:
        log.error("tasks_cut_off", names=sorted(task.get_name() for task in stuck))
    return not stuck


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
