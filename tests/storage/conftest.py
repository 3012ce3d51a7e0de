"""Stores to test: every test of behaviour runs on a SQLite file and on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from storage import Archive, Store, Vault
from tests.databases import begin


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/data/bot.db"


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
