"""The bot's own clock, while somebody sets the machine's."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.clock import FARTHEST, SteadyClock, readings
from sandbox.dbc import ManualClock
from tests.clocks import MachineClock

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("step", [HOUR, -HOUR, FARTHEST, -FARTHEST])
def test_it_goes_on_where_the_machines_clock_is_set_and_follows_slowly(step: timedelta) -> None:
    true = ManualClock()
    machine = MachineClock(true)
    clock = SteadyClock(machine)
    began = clock.now()
    machine.step(step)
    assert clock.now() == began
    true.advance(MINUTE)
    assert abs(clock.now() - began - MINUTE) <= MINUTE * 0.1
    true.advance(abs(step) * 10)
    assert clock.now() == machine.now()


def test_it_never_goes_back_for_the_machines_clock_was_set_back() -> None:
    true = ManualClock()
    machine = MachineClock(true)
    clock = SteadyClock(machine)
    machine.step(-HOUR)
    seen = []
    for _ in range(200):
        true.advance(MINUTE * 5)
        seen.append(clock.now())
    assert seen == sorted(set(seen))
    assert clock.now() == machine.now()


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(days=-1)])
def test_a_clock_that_was_wrong_by_far_is_believed_at_once(step: timedelta) -> None:
    machine = MachineClock(ManualClock())
    clock = SteadyClock(machine)
    machine.step(step)
    assert clock.now() == machine.now()


def test_it_keeps_to_a_clock_that_nobody_sets() -> None:
    true = ManualClock()
    clock = SteadyClock(true)
    for seconds in (0.001, 1, 3600, 86400):
        true.advance(timedelta(seconds=seconds))
        assert clock.now() == true.now()


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
    assert readings(clock) == (clock.now(), machine.now())
