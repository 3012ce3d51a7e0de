"""Databases that are there already, so that a test need not wait for the schema to be made."""

import asyncio
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet

from storage import Store, Vault


def begin(file: Path) -> None:
    """Put a database there as the bot's first start leaves it: all tables, no rows."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_bytes(_first())


@cache
def _first() -> bytes:
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(1) as aside:
        file = Path(directory) / "bot.db"
        aside.submit(asyncio.run, _made(file)).result()  # a test may be running a loop here
        return file.read_bytes()


async def _made(file: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{file}", Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    await store.close()
