"""Tasks that nobody waits for but somebody watches. Knows nothing of what they do."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

_COURTESY = timedelta(seconds=2)  # for what is cancelled, to end

log = structlog.get_logger()


class Supervisor:
    """Holds every task it started until its end; what one raises is logged, never lost."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run `work` in a task of its own."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def drain(self, grace: timedelta) -> None:
        """Wait for all tasks, also those started meanwhile; after `grace` cancel what is left.

        Nothing keeps it: what goes on although it is cancelled is logged, and left.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(grace.total_seconds()):
                while self._tasks:
                    await asyncio.wait(self._tasks)
        if not (left := list(self._tasks)):
            return
        log.warning("tasks_cancelled", names=sorted(task.get_name() for task in left))
        for task in left:
            task.cancel()
        _, stuck = await asyncio.wait(left, timeout=_COURTESY.total_seconds())
        if stuck:
            log.error("tasks_stuck", names=sorted(task.get_name() for task in stuck))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task_failed", task=task.get_name(), exc_info=error)
