"""What no waiting mends is told from what passes."""

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from storage import StorageFailed, StorageUnfit, Store, Vault


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
        await _opened("postgresql+asyncpg://me:secret@127.0.0.1:9/x")
    assert not isinstance(failed.value, StorageUnfit)


async def _opened(url: str) -> None:
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    try:
        await store.migrate()
    finally:
        await store.close()
