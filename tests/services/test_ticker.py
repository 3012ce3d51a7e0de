"""The clockwork: it goes on where the machine's clock is set, and ends without noise."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from apscheduler.schedulers import base

from bot.clock import SystemClock
from bot.services.ticker import Job, Ticker
from tests.clocks import MachineClock

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
        await ticker.stop()
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
