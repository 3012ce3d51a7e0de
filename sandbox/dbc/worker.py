"""A node's one worker: jobs of all its machines, one after the other, on the sandbox's clock.

A job is a generator that yields how long its next step takes and changes things between the steps.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

Job = Iterator[timedelta]


@dataclass(frozen=True)
class Durations:
    """How long the steps of jobs take."""

    define: timedelta = timedelta(seconds=1)
    lease: timedelta = timedelta(seconds=3)
    password: timedelta = timedelta(seconds=4)
    start: timedelta = timedelta(seconds=2)
    shutdown: timedelta = timedelta(seconds=1)
    poweroff: timedelta = timedelta(seconds=1)
    restart: timedelta = timedelta(seconds=1)
    force_gap: timedelta = timedelta(seconds=3)
    reset: timedelta = timedelta(seconds=1)
    delete: timedelta = timedelta(seconds=1)
    resize: timedelta = timedelta(seconds=1)
    add: timedelta = timedelta(seconds=2)
    detach: timedelta = timedelta(seconds=1)
    convert: timedelta = timedelta(seconds=5)


@dataclass
class Queued:
    """A job in the queue and since when."""

    kind: str
    task_id: str
    job: Job
    since: datetime


class Worker:
    """Runs queued jobs serially; catches up with the clock whenever it is asked."""

    def __init__(self) -> None:
        self._queue: deque[Queued] = deque()
        self._current: Queued | None = None
        self._due: datetime | None = None
        self.time: datetime | None = None

    @property
    def waiting(self) -> list[Queued]:
        """The job in hand and those behind it."""
        return ([self._current] if self._current else []) + list(self._queue)

    def push(self, kind: str, task_id: str, job: Job, now: datetime) -> None:
        """Queue a job behind all others."""
        self._queue.append(Queued(kind, task_id, job, now))

    def clear(self) -> None:
        """Forget everything, as a restarted process does."""
        self._queue.clear()
        self._current = None

    def catch_up(self, now: datetime, before: Callable[[datetime], None]) -> None:
        """Do every step whose time has come; `time` is the moment of the step being done.

        `before` is called with that moment, to bring up to date what goes on beside the worker.
        """
        while self._current is not None or self._queue:
            if self._current is None:
                self._current = self._queue.popleft()
                self._due = max(self._current.since, self._due or self._current.since)
            due = self._due or now
            if due > now:
                break
            before(due)
            self.time = due
            try:
                self._due = due + next(self._current.job)
            except StopIteration:
                self._current = None
        self.time = None
