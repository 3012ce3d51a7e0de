"""The clockwork: APScheduler calls what is due. It is a clock, no more: all state is in rows."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from traceback import walk_tb

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock
from bot.metrics import Metrics
from bot.reply import Text, say
from bot.services.agenda import Agenda
from bot.services.database import Database
from storage import Open, StorageFailed

_LOOK = timedelta(seconds=1)  # between looks whether the machine's clock was set back
# So many looks without any job that begins: the clockwork stands still.
_STANDS = 30
# A look at a silent node takes a minute at the most.
_HANGS = 300
_FAILS = 5  # runs in a row
# The same fault of a job is logged again after this: some jobs run each second.
_AGAIN = timedelta(minutes=10)
# For what runs when we stop (a silent node takes 40 s), and again for what is broken off then.
_GRACE = timedelta(seconds=2)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again. It finds its own work and may safely overlap with itself."""

    name: str
    every: timedelta
    run: Callable[[], Awaitable[None]]
    overlapping: int = 1
    about: frozenset[Open] = frozenset()  # it does nothing while nothing of this is open


class Ticker:
    """Runs jobs by the machine's clock, or those that are due, by hand.

    `clock` is the one that APScheduler goes by: the machine's own. So often it is looked at whether
    that was set back, and whether anything is done at all.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        clock: Clock,
        metrics: Metrics | None = None,
        look: timedelta = _LOOK,
        database: Database | None = None,
        agenda: Agenda | None = None,
    ) -> None:
        self._agenda = agenda
        self._database = database
        self._look = look
        self._metrics = metrics or Metrics()
        # Counted in looks, not in time: while the process stands still, nothing is missed.
        self._looks = self._last_look = 0
        self._failures: Counter[str] = Counter()
        # Runs that failed for want of the database, as it seems, by job: an outage if `Database`
        # finds the same, else the job's own fault.
        self._outage: Counter[str] = Counter()
        self._is_confirmed = False
        self._logged: set[str] = set()  # whose own failures by it are in the log
        self._outage_since = timedelta()
        self._told: dict[tuple[str, str], timedelta] = {}  # when a job's fault was last logged
        self._jobs = tuple(jobs)
        self._clock = clock
        self._scheduler: AsyncIOScheduler | None = None
        self._minding: asyncio.Task[None] | None = None
        self._under_way: dict[asyncio.Task[None], int] = {}  # since which look
        self._ran: dict[str, timedelta] = {}
        self._looked_at: timedelta | None = None

    def start(self) -> None:
        """Begin to run by itself."""
        self._scheduler = scheduler = AsyncIOScheduler(
            # The default grace of 1 s would silently drop runs of a busy process.
            job_defaults={"misfire_grace_time": None, "coalesce": True}
        )
        for job in self._jobs:
            scheduler.add_job(
                self._tick,
                "interval",
                args=[job],
                seconds=job.every.total_seconds(),
                max_instances=job.overlapping,
                # At once: what a process that died has left behind waits for nobody's rhythm.
                next_run_time=self._clock.now(),
                id=job.name,
            )
        scheduler.start()
        self._minding = asyncio.create_task(self._mind(scheduler), name="mind the clock")

    async def stop(self) -> None:
        """Start nothing more; what runs may end, and is broken off where that takes long.

        Nothing keeps it: what goes on although it is broken off is logged, and left.
        """
        self._jobs = ()
        scheduler, minding = self._scheduler, self._minding
        if scheduler is None or minding is None:
            return
        minding.cancel()
        scheduler.pause()
        await asyncio.sleep(0)  # what was submitted a moment ago begins, and is known here
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_GRACE.total_seconds())
        left = list(self._under_way)
        if left:
            log.info("ticks.broken_off", jobs=sorted(task.get_name() for task in left))
        for task in left:
            task.cancel()
        _, stuck = await asyncio.wait({minding, *left}, timeout=_GRACE.total_seconds())
        if stuck:
            log.error("ticks.stuck", jobs=sorted(task.get_name() for task in stuck))
        await asyncio.sleep(0)  # APScheduler sees them end; it logs what it cancels itself
        self._scheduler = None  # only now: a stop that is broken off can be repeated
        scheduler.shutdown(wait=False)

    @property
    def age(self) -> timedelta:
        """How long ago a job last began, as far as this process did not stand still itself."""
        return (self._looks - self._last_look) * self._look

    def fault(self) -> Text:
        """Why nothing is done by the clock; nothing while it is."""
        if self._looks - self._last_look <= _STANDS:
            return ""
        return say(
            "The scheduler has started nothing for {seconds} s. Restart the bot.",
            seconds=self.age.seconds,
        )

    def impairments(self) -> Sequence[Text]:
        """Which jobs do not get done, but for an outage of the database: that is told by itself."""
        now = self._looks
        hanging = {task.get_name() for task, at in self._under_way.items() if now - at > _HANGS}
        failing = {
            name: times
            for name, times in self._failures.items()
            if times >= _FAILS and not (name in self._outage and self._may_be_out)
        }
        stuck = [
            say("The job “{name}” does not come to an end.", name=one) for one in sorted(hanging)
        ]
        return [
            *stuck,
            *(
                say(
                    "The job “{name}” failed {times} times in a row: see tick.failed in the log.",
                    name=name, times=times,
                )
                for name, times in sorted(failing.items())
            ),
        ]  # fmt: skip

    async def run_due(self, at: timedelta) -> None:
        """Every job once, in order, but for those that ran less than their interval before `at`.

        `at` is a moment of a clock that is never set. At the same moment as before, all of them:
        whoever winds the clock by hand wants to see what no time brings about.
        """
        again = at == self._looked_at
        self._looked_at = at
        if self._agenda is not None:
            self._agenda.forget()
        for job in self._jobs:
            if again or at - self._ran.get(job.name, at - job.every) >= job.every:
                self._ran[job.name] = at
                await self._run(job, by_hand=True)

    async def _tick(self, job: Job) -> None:
        """Run a job in a task of our own: APScheduler logs one that is cancelled as an error."""
        task = asyncio.create_task(self._run(job), name=job.name)
        self._under_way[task] = self._last_look = self._looks
        task.add_done_callback(self._under_way.pop)
        await asyncio.wait({task})

    async def _mind(self, scheduler: AsyncIOScheduler) -> None:
        """Let no job wait longer than its interval: APScheduler stands still where time is set
        back.
        """
        while True:
            await asyncio.sleep(self._look.total_seconds())
            self._looks += 1
            now = self._clock.now()
            for job in self._jobs:
                known = scheduler.get_job(job.name)
                if known is not None and known.next_run_time - now > job.every:
                    known.modify(next_run_time=now)

    async def _run(self, job: Job, *, by_hand: bool = False) -> None:
        try:
            if await self._has_work(job, by_hand=by_hand):
                await job.run()
        except Exception as error:  # noqa: BLE001 - a failing job must not end the clockwork
            self._failures[job.name] += 1
            self._metrics.job_failed(job.name)
            if isinstance(error, StorageFailed):
                self._without_database(job.name, error)
            else:
                self._tell(job.name, error)
        else:
            self._failures.pop(job.name, None)
            self._logged.discard(job.name)
            self._back()

    async def _has_work(self, job: Job, *, by_hand: bool) -> bool:
        """Whether a job may find something; raises what it would raise where nobody can tell."""
        if not job.about or self._agenda is None:
            return True
        agenda = self._agenda
        is_open = await (agenda.since_own_work() if by_hand else agenda.now())
        return not job.about.isdisjoint(is_open)

    def _without_database(self, job: str, error: StorageFailed) -> None:
        """Tell of an outage once: it fails every job, each again and again.

        `Database` says what is the matter. Where it finds nothing, the job alone fails.
        """
        is_first = self._failures[job] == 1
        if not self._outage:
            self._outage_since = self._clock.monotonic()
            if is_first:
                then = "Further jobs that fail by this are counted: see ticks.work."
                log.warning("tick.failed", job=job, sentence=error.sentence, then=then)
        self._outage[job] += 1
        if is_first and self._database is not None:
            self._database.doubt()  # once: each doubt costs a page that is written
        if self._failures[job] >= _FAILS and not self._may_be_out and job not in self._logged:
            self._logged.add(job)
            log.error("tick.failed", job=job, then="It alone fails by this.", exc_info=error)

    def _tell(self, job: str, error: Exception) -> None:
        """Log a fault with its traceback, and the same one again only after a while."""
        now, which = self._clock.monotonic(), (job, _place(error))
        told = self._told.get(which)
        if told is None or now - told >= _AGAIN:
            self._told[which] = now
            in_a_row = self._failures[job]
            log.error("tick.failed", job=job, in_a_row=in_a_row, exc_info=error)

    @property
    def _may_be_out(self) -> bool:
        """Whether the database is out, or was not looked at since somebody could not use it."""
        database = self._database
        return database is not None and (database.fails or not database.works)

    def _back(self) -> None:
        """Tell that an outage is over: the database has taken something since.

        That a job succeeds shows nothing: many write only where there is something to do.
        """
        if not self._outage or self._database is None:
            return
        self._is_confirmed = self._is_confirmed or self._database.fails
        if not self._database.works:
            return
        if not self._is_confirmed:  # they are the jobs' own failures
            self._outage.clear()
            return
        self._is_confirmed = False
        for job in self._outage:
            self._failures.pop(job, None)
        lasted = round((self._clock.monotonic() - self._outage_since).total_seconds())
        failures, jobs = self._outage.total(), len(self._outage)
        self._outage.clear()
        log.info("ticks.work", after_seconds=lasted, failures=failures, jobs=jobs)


def _place(error: Exception) -> str:
    """Where and as what an error was raised: its words may name another moment each time."""
    *_, (frame, line) = walk_tb(error.__traceback__)
    return f"{type(error).__name__} {frame.f_code.co_filename}:{line}"
