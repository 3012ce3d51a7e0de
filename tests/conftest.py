"""What holds for all tests."""

import gc
import os
from collections.abc import Callable, Generator, Iterator, Mapping

import pytest
import structlog
from hypothesis import settings
from slack_sdk.http_retry.async_handler import default_interval_calculator
from slack_sdk.http_retry.jitter import Jitter
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.typing import EventDict, WrappedLogger

from tests import janitor, plans
from tests.clocks import Loop
from tests.databases import in_memory, share_compilations
from tests.postgresql import postgres, postgres_console, postgres_template, postgres_url

__all__ = ["postgres", "postgres_console", "postgres_template", "postgres_url"]  # fixtures

janitor.watch()
share_compilations()
plans.watch()


def _without_debugging(_logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Print nothing of what production does not log, such as each request; tests may capture it."""
    if name == "debug":
        raise structlog.DropEvent
    return event


# With all variables of each frame, as is the default, a traceback costs half a second.
structlog.configure(
    [
        _without_debugging,
        *structlog.get_config()["processors"][:-1],
        ConsoleRenderer(colors=False, exception_formatter=plain_traceback),
    ],
)


class _AtOnce(Jitter):
    """The SDK rests for seconds before it repeats a call; the Slack of the tests needs no rest."""

    def recalculate(self, duration: float) -> float:  # noqa: ARG002 - the SDK's own name
        return 0


default_interval_calculator.jitter = _AtOnce()

# How long an example takes depends on the machine and on what else it does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def lively(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bot in the process of its test never stands still: a busy machine keeps Slack, too.

    What a standstill does is tested with bots in processes of their own.
    """
    monkeypatch.setattr("handlers.arrivals.Pulse.start", lambda _self: None)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A test of the command line says where it logs to; the next one begins as the first did."""
    before = structlog.get_config()["logger_factory"]
    yield
    structlog.configure(logger_factory=before)


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: it would look through all of it, again and again.

    A thirtieth of a second each time, for thousands of modules, tests and their parameters. What
    little of it is garbage stays as well: to find that takes half a second.
    """
    gc.freeze()
    gc.set_threshold(400_000, 20, 1_000)
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the directories of the tests in memory, where there is room; spare the collector.

    Nothing is garbage yet until all are collected.
    """
    gc.disable()
    _stay(getattr(config, "workerinput", {}).get("workerid", ""))
    if (memory := in_memory()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test has printed is for whoever looks into its failure: else none of it is sent on."""
    report = yield
    if report.passed:
        report.sections = []
    return report


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], Loop]]:
    """Run on the loop that production runs on; asyncio's own takes a tenth more time."""
    return {"loop": Loop}


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: one goes on where the other waits, for a process or a node's silence."""
    return 2 * len(_cores())


def _stay(worker: str) -> None:
    """Keep a worker of pytest-xdist (“gw1”) on one core, and with it what it starts.

    A store hands each of its transactions over to a thread and back. Between two cores that takes
    a tenth more of the processor, and longer.
    """
    if worker and hasattr(os, "sched_setaffinity"):  # Linux
        cores = _cores()
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


def _cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@pytest.fixture(autouse=True)
def _planned() -> Iterator[None]:
    """No statement of a command, a card or the clockwork goes through a table that grows."""
    yield
    assert plans.faults() == []
