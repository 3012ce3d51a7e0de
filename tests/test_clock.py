"""The bot's own clock, while somebody sets the machine's."""

import asyncio
import os
import signal
import subprocess
import time
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.clock import SteadyClock, meant, measured, readings, shown, was_set
from sandbox.dbc import ManualClock
from tests.clocks import Loop, MachineClock, hurry

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize("step", [HOUR, -HOUR, 4 * HOUR, 30 * DAY, -2 * DAY])
def test_it_goes_on_as_if_nobody_had_set_the_machines_clock(step: timedelta) -> None:
    true = ManualClock()
    machine = MachineClock(true)
    clock = SteadyClock(machine)
    began = clock.now()
    machine.step(step)
    assert clock.now() == began
    true.advance(7 * HOUR)
    assert clock.now() == began + 7 * HOUR
    assert measured(clock, began) == 7 * HOUR


@pytest.mark.parametrize("step", [HOUR, 30 * DAY, -2 * DAY])
def test_people_are_told_the_machines_time(step: timedelta) -> None:
    true = ManualClock()
    machine = MachineClock(true)
    clock = SteadyClock(machine)
    machine.step(step)
    true.advance(MINUTE)
    assert was_set(clock)
    assert shown(clock, clock.now()) == machine.now()
    assert meant(clock, machine.now()) == clock.now()
    assert readings(clock) == (clock.now(), machine.now())


def test_sleep_is_time_that_passes() -> None:
    """A machine that slept: both of its clocks have gone on."""
    true = ManualClock()
    clock = SteadyClock(MachineClock(true))
    began = clock.now()
    true.advance(5 * HOUR)
    assert clock.now() == began + 5 * HOUR
    assert not was_set(clock)


def test_what_began_before_the_process_was_measured_by_nobody() -> None:
    true = ManualClock()
    before = true.now()
    true.advance(SECOND)
    clock = SteadyClock(MachineClock(true))
    assert measured(clock, before) is None
    assert measured(clock, None) is None
    assert measured(clock, clock.now()) == timedelta()


def test_it_keeps_to_a_clock_that_nobody_sets() -> None:
    true = ManualClock()
    clock = SteadyClock(true)
    for seconds in (0.001, 1, 3600, 86400):
        true.advance(timedelta(seconds=seconds))
        assert clock.now() == true.now() == shown(clock, clock.now())


def test_a_step_is_logged_once() -> None:
    true = ManualClock()
    machine = MachineClock(true)
    clock = SteadyClock(machine)
    with capture_logs() as logs:
        machine.step(-HOUR)
        for _ in range(5):
            true.advance(MINUTE)
            clock.now()
    assert [(entry["event"], entry["seconds"]) for entry in logs] == [("clock.was_set", -3600)]


def test_a_test_that_waits_for_ever_is_ended_by_the_signal_that_says_so() -> None:
    async def waits() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
        loop.call_later(10, loop.stop)  # where nothing ends it
        await asyncio.Event().wait()

    before = signal.signal(signal.SIGUSR1, lambda *_: pytest.fail("It takes too long."))
    try:
        with asyncio.Runner(loop_factory=Loop) as runner, pytest.raises(pytest.fail.Exception):
            runner.run(waits())
    finally:
        signal.signal(signal.SIGUSR1, before)


async def test_the_time_of_a_loop_goes_ahead_for_what_waits_and_for_what_comes() -> None:
    waiting = asyncio.create_task(asyncio.sleep(3600))
    async with asyncio.timeout(7200):
        await asyncio.sleep(0)
        hurry(HOUR)
        await waiting
    never = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), 3600))
    await asyncio.sleep(0)
    hurry(HOUR)
    with pytest.raises(TimeoutError):
        await never


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux tells of turns")
def test_the_time_of_a_loop_stands_still_while_others_have_the_processor() -> None:
    async def works(milliseconds: int) -> None:
        for _ in range(milliseconds):
            ran = time.thread_time()
            while time.thread_time() - ran < 0.001:
                pass
            await asyncio.sleep(0)

    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    others = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(asyncio.wait_for(works(60), 0.15))
    finally:
        for other in others:
            other.kill()
            other.wait()
        os.sched_setaffinity(0, cores)
