"""A test run that is interrupted leaves no server behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from tests import janitor

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows others' environment"),
]
ROOT = Path(__file__).parents[1]
SEEN = f"{janitor.PREFIX}SEEN"
# Each stands in front of a server and waits for ever; what this machine lacks is skipped.
SERVERS = """
import asyncio, sys
from pathlib import Path
import pytest
from tests.mortal import mortal
from tests.sandbox.page.conftest import browser
from tests.postgresql import postgres, postgres_url
from tests.storage.test_pooler import pooled_url

HERE = Path(__file__).parent
pytestmark = pytest.mark.timeout(0)

async def stands(name):
    (HERE / name).touch()
    await asyncio.Event().wait()

async def test_pooler(pooled_url):
    await stands("pooler")

async def test_postgres(postgres_url):
    await stands("postgres")

async def test_page(browser):
    await stands("page")

async def test_bot(tmp_path):
    async with mortal(tmp_path):
        await stands("bot")

async def test_demo(tmp_path):
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--port", "0", "--dbc-port", "0", "--data", str(tmp_path),
        cwd=%(root)r, stdout=asyncio.subprocess.PIPE,
    )
    while "Ctrl-C" not in (await demo.stdout.readline()).decode():
        pass
    await stands("demo")
"""
HOOK = """
from pathlib import Path

def pytest_runtest_logreport(report):
    if report.skipped or report.failed:
        (Path(__file__).parent / report.nodeid.rpartition("test_")[2]).write_text("not here")
"""
ALL = ("pooler", "postgres", "page", "bot", "demo")
# What Ctrl-C does not reach, and what it does.
ONE_OF_EACH = ("postgres", "bot")
NAMES = {
    "pooler": "pgbouncer", "postgres": "postgres", "page": "chrom", "bot": "python",
    "demo": "python",
}  # fmt: skip


def unmeasured() -> dict[str, str]:
    """The environment without what would let that run measure its coverage among ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLIPCOVER")}


def left(seen: str) -> list[tuple[int, str]]:
    """What runs of that test run."""
    return list(janitor.marked(SEEN, seen))


@asynccontextmanager
async def running(
    directory: Path, wanted: Sequence[str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, list[str]]]:
    """A test run all of whose tests have their servers, its mark, and what it could not start."""
    (directory / "test_servers.py").write_text(SERVERS % {"root": str(ROOT)})
    (directory / "conftest.py").write_text(HOOK)
    seen = uuid4().hex
    tests = [f"{directory}/test_servers.py::test_{name}" for name in wanted]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "tests.conftest",
        "-p", "no:cacheprovider", "-n", str(len(tests)), "--dist", "load", *tests,
        cwd=ROOT, env=unmeasured() | {SEEN: seen}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        while not all((directory / name).exists() for name in wanted):
            assert process.returncode is None
            await asyncio.sleep(0.05)
        missing = [n for n in wanted if (directory / n).exists() and (directory / n).read_text()]
        yield process, seen, missing
    finally:
        for pid, _ in left(seen):
            os.kill(pid, signal.SIGKILL)
        await process.wait()


def killed(process: asyncio.subprocess.Process) -> None:
    """`kill -9`."""
    process.kill()


def interrupted(process: asyncio.subprocess.Process) -> None:
    """Ctrl-C, and again at once: the terminal sends it to the whole group."""
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("end", "wanted"),
    [(killed, ALL), (interrupted, ONE_OF_EACH)],
    ids=["killed", "interrupted"],
)
async def test_no_server_outlives_the_run_that_started_it(
    tmp_path: Path, end: Callable[[asyncio.subprocess.Process], None], wanted: Sequence[str]
) -> None:
    async with running(tmp_path, wanted) as (process, seen, missing):
        there = {name for _, name in left(seen)}
        for what in wanted:
            assert what in missing or any(NAMES[what] in one for one in there), there
        databases = {janitor.works_in(pid) for pid, name in left(seen) if name == "postgres"}
        assert databases or "postgres" in missing
        end(process)
        async with asyncio.timeout(120):
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 5)
            if process.returncode is None:  # whoever sees that it goes on closes the window
                process.kill()
                await process.wait()
            while left(seen):  # noqa: ASYNC110 - they are nobody's children
                await asyncio.sleep(0.05)
            while any(map(os.path.exists, databases)):  # noqa: ASYNC110 - its files go last
                await asyncio.sleep(0.05)
