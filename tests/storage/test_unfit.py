"""What no waiting mends is told from what passes."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from bot.clock import SystemClock
from bot.health import Health
from bot.services.database import Database
from storage import StorageFailed, StorageUnfit, Store, Vault

NOBODY = "postgresql+asyncpg://me:secret@127.0.0.1:9/x"


async def test_a_server_that_refuses_us_for_what_the_settings_name_is_unfit(
    postgres_url: str,
) -> None:
    there = make_url(postgres_url)
    named = there.set(database="nothing"), there.set(username="nobody")
    for url in named:
        with pytest.raises(StorageUnfit):
            await _opened(url.render_as_string(hide_password=False))
    await _opened(postgres_url)


async def test_a_server_that_is_not_there_may_come() -> None:
    with pytest.raises(StorageFailed) as failed:
        await _opened(NOBODY)
    assert not isinstance(failed.value, StorageUnfit)


async def test_of_a_server_nobody_is_told_to_look_for_a_file() -> None:
    store, health = Store(NOBODY, Vault([Fernet.generate_key().decode()])), Health()
    await Database(store, health, SystemClock()).look()
    await store.close()
    [told] = health.reasons
    assert told.endswith("connection refused. Check its server, and DATABASE_URL.")
    assert "file" not in told


async def _opened(url: str) -> None:
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    try:
        await store.migrate()
    finally:
        await store.close()
