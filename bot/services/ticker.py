"""The clockwork: APScheduler calls what is due. It is a clock, no more: all state is in rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again. It finds its own work and may safely overlap with itself."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    overlapping: int = 1


class Ticker:
    """Runs jobs by the machine's clock, or all of them once, by hand."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)
        self._scheduler: AsyncIOScheduler | None = None

    def start(self) -> None:
        """Begin to run by itself."""
        self._scheduler = AsyncIOScheduler(
            # The default grace of 1 s would silently drop runs of a busy process.
            job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        for job in self._jobs:
            self._scheduler.add_job(
                self._run,
                "interval",
                args=[job],
                seconds=job.every.total_seconds(),
                max_instances=job.overlapping,
                # At once: what a process that died has left behind waits for nobody's rhythm.
                next_run_time=datetime.now(UTC),
                id=job.name,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """Start nothing more; what runs is for its owner to end."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    async def run_all(self) -> None:
        """Every job once, in order."""
        for job in self._jobs:
            await self._run(job)

    async def _run(self, job: Job) -> None:
        try:
            await job.run()
        except Exception:  # a failing job must not end the clockwork
            log.exception("tick.failed", job=job.name)
