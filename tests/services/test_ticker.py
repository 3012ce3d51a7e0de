"""The clockwork: it goes on where the machine's clock is set, and ends without noise."""

import asyncio
import logging
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from apscheduler.schedulers import base
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.clock import SystemClock
from bot.health import Health
from bot.metrics import Metrics
from bot.services.database import Database
from bot.services.ticker import Job, Ticker
from sandbox.dbc import ManualClock
from storage import StorageFailed, Store, Vault
from tests.clocks import MachineClock, unwaited
from tests.databases import begin

OFTEN = timedelta(milliseconds=100)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> MachineClock:
    """The machine's clock, also as APScheduler sees it."""
    clock = MachineClock(SystemClock())

    class Shown(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now().astimezone(tz or UTC)

    monkeypatch.setattr(base, "datetime", Shown)
    return clock


class Work:
    """A job that counts, and can be made to take for ever."""

    def __init__(self) -> None:
        self.begun = 0
        self.news = asyncio.Condition()
        self.is_stuck = False

    async def run(self) -> None:
        async with self.news:
            self.begun += 1
            self.news.notify_all()
        if self.is_stuck:
            await asyncio.Event().wait()

    async def runs(self, times: int) -> None:
        """Return when it has begun that many times more."""
        wanted = self.begun + times
        async with asyncio.timeout(20), self.news:
            await self.news.wait_for(lambda: self.begun >= wanted)


@pytest.mark.parametrize("hours", [-1, 1, -24])
async def test_jobs_go_on_where_the_clock_is_set(machine: MachineClock, hours: int) -> None:
    work = Work()
    ticker = Ticker([Job("work", OFTEN, work.run)], machine)
    ticker.start()
    try:
        await work.runs(2)
        machine.step(timedelta(hours=hours))
        await work.runs(3)
    finally:
        await ticker.stop()


async def test_a_job_that_is_broken_off_at_the_stop_is_no_error(
    machine: MachineClock, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    work.is_stuck = True
    ticker = Ticker([Job("stuck", OFTEN, work.run, overlapping=3)], machine)
    with caplog.at_level(logging.INFO):
        ticker.start()
        await work.runs(2)
        await unwaited(ticker.stop())
        await asyncio.sleep(0)
    assert [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR] == []


async def test_a_stop_waits_for_a_job_that_ends_soon(machine: MachineClock) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        begun.set()
        for _ in range(100):
            await asyncio.sleep(0)
        ended.set()

    ticker = Ticker([Job("short", timedelta(hours=1), run)], machine)
    ticker.start()
    await begun.wait()
    await ticker.stop()
    assert ended.is_set()


async def test_a_stop_waits_for_no_job_that_will_not_be_broken_off(machine: MachineClock) -> None:
    begun, is_over = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        while not is_over.is_set():
            begun.set()
            with suppress(asyncio.CancelledError):
                await is_over.wait()

    ticker = Ticker([Job("deaf", timedelta(hours=1), run)], machine)
    ticker.start()
    try:
        await begun.wait()
        with capture_logs() as logged:
            await unwaited(ticker.stop())
    finally:
        is_over.set()
    assert [e["jobs"] for e in logged if e["event"] == "ticks.stuck"] == [["deaf"]]


async def test_a_stop_that_was_broken_off_can_be_repeated(machine: MachineClock) -> None:
    work = Work()
    work.is_stuck = True
    ticker = Ticker([Job("stuck", OFTEN, work.run)], machine)
    ticker.start()
    await work.runs(1)
    first = asyncio.create_task(ticker.stop())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    with capture_logs() as logged:
        await unwaited(ticker.stop())
    assert [e["jobs"] for e in logged if e["event"] == "ticks.broken_off"] == [["stuck"]]


async def test_a_clockwork_that_begins_nothing_any_more_is_told() -> None:
    work = Work()
    work.is_stuck = True
    metrics = Metrics()
    ticker = Ticker(
        [Job("work", OFTEN, work.run)], SystemClock(), metrics, timedelta(milliseconds=2)
    )
    ticker.start()
    async with asyncio.timeout(20):
        while "has started nothing" not in str(ticker.fault()):  # noqa: ASYNC110 - it tells who asks
            await asyncio.sleep(0.01)
        while not ticker.impairments():  # noqa: ASYNC110 - it tells who asks
            await asyncio.sleep(0.01)
    assert [*map(str, ticker.impairments())] == ["The job “work” does not come to an end."]
    await unwaited(ticker.stop())


async def test_a_job_that_fails_again_and_again_is_told_until_it_works() -> None:
    is_broken = True

    async def run() -> None:
        if is_broken:
            raise RuntimeError

    metrics = Metrics()
    ticker = Ticker([Job("work", OFTEN, run)], SystemClock(), metrics)
    for second in range(5):
        assert ticker.impairments() == []
        await ticker.run_due(timedelta(seconds=second))
    assert [*map(str, ticker.impairments())] == [
        "The job “work” failed 5 times in a row: see tick.failed in the log."
    ]
    assert b'dbc_bot_job_failures_total{job="work"} 5.0' in metrics.text()
    is_broken = False
    await ticker.run_due(timedelta(seconds=9))
    assert ticker.impairments() == []


async def test_a_job_that_fails_each_second_does_not_fill_the_log() -> None:
    clock, trouble = ManualClock(), ["first"]

    async def run() -> None:
        if trouble == ["other"]:
            raise ValueError(clock.now().isoformat())
        if trouble:
            raise RuntimeError(clock.now().isoformat())

    ticker = Ticker([Job("work", OFTEN, run)], clock, Metrics())
    with capture_logs() as logged:
        for second in range(1200):
            trouble[:] = [] if second % 100 == 50 else ["other" if second == 30 else "first"]
            await ticker.run_due(timedelta(seconds=second))
            clock.advance(timedelta(seconds=1))
    assert [(e["event"], type(e["exc_info"]).__name__) for e in logged] == [
        ("tick.failed", "RuntimeError"),
        ("tick.failed", "ValueError"),
        ("tick.failed", "RuntimeError"),
    ]
    assert [e["in_a_row"] for e in logged] == [1, 31, 50]


async def test_an_outage_of_the_database_is_logged_when_it_begins_and_when_it_ends(
    tmp_path: Path,
) -> None:
    file = tmp_path / "bot.db"
    store = Store(f"sqlite+aiosqlite:///{file}", Vault([Fernet.generate_key().decode()]))
    begin(file)
    await store.migrate()
    clock = ManualClock()
    database = Database(store, Health(), clock)
    is_out = is_busy = False

    async def run() -> None:
        if is_out and is_busy:
            raise StorageFailed("out of reach")

    async def other() -> None:
        """Needs no database."""

    jobs = [*(Job(f"job {number}", OFTEN, run) for number in range(14)), Job("other", OFTEN, other)]
    looking = Job("database", OFTEN, database.look)
    ticker = Ticker([*jobs, looking], clock, Metrics(), database=database)
    await ticker.run_due(timedelta())
    is_out = True
    moved = file.rename(tmp_path / "elsewhere.db")
    with capture_logs() as logged:
        for second in range(1, 7):
            is_busy = second in {1, 3}  # else no job finds anything to do
            await ticker.run_due(timedelta(seconds=second))
            clock.advance(timedelta(seconds=1))
        assert ticker.impairments() == []  # the database is told by itself
        is_out = False
        moved.rename(file)
        for second in range(7, 9):
            await ticker.run_due(timedelta(seconds=second))
    await store.close()
    events = [one["event"] for one in logged]
    assert events == ["tick.failed", "database.fails", "database.works", "ticks.work"]
    assert (logged[-1]["failures"], logged[-1]["jobs"]) == (2 * 14, 14)
    assert logged[-1]["after_seconds"] == 6


async def test_a_job_that_alone_cannot_use_the_database_is_told_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "bot.db"
    store = Store(f"sqlite+aiosqlite:///{file}", Vault([Fernet.generate_key().decode()]))
    begin(file)
    await store.migrate()
    clock = ManualClock()
    database = Database(store, Health(), clock)

    async def bad() -> None:
        raise StorageFailed("a row of its own cannot be read")

    async def good() -> None:
        """Needs no database."""

    looking = Job("database", timedelta(seconds=5), database.look)
    jobs = [looking, *(Job(run.__name__, timedelta(seconds=1), run) for run in (bad, good))]
    ticker = Ticker(jobs, clock, Metrics(), database=database)
    written: set[str] = set()
    with capture_logs() as logged, closing(sqlite3.connect(file)) as raw:
        for second in range(120):
            await ticker.run_due(timedelta(seconds=second))
            written |= {str(row) for row in raw.execute("SELECT id FROM defaults")}
            clock.advance(timedelta(seconds=1))
    await store.close()
    assert [(e["event"], e["job"]) for e in logged] == [("tick.failed", "bad")] * 2
    assert "a row of its own" in str(logged[-1]["exc_info"])
    assert "The job “bad” failed 120 times in a row" in str(ticker.impairments()[0])
    assert len(written) <= 5  # one in 30 s, and one for the doubt
