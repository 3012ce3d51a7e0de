"""What holds for all tests."""

import gc
import os

import structlog
from hypothesis import settings
from structlog.dev import ConsoleRenderer, plain_traceback

from tests import janitor
from tests.databases import share_compilations

janitor.watch()
share_compilations()
# With all variables of each frame, as is the default, a traceback costs half a second.
structlog.configure(
    [
        *structlog.get_config()["processors"][:-1],
        ConsoleRenderer(colors=False, exception_formatter=plain_traceback),
    ]
)

# How long an example takes depends on the machine and on what else it does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_finish() -> None:
    """Spare the collector what stays to the end: it would look through all of it, again and again.

    A thirtieth of a second each time, for thousands of modules, tests and their parameters.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: a third of a scenario is waiting, for the disk and for the loopback."""
    return 2 * (os.cpu_count() or 1)
