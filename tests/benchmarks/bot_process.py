"""One real bot in HTTP mode, for a measurement; a script, so that it can be that of any commit.

Imports nothing of the tests: the packages are those of the tree that PYTHONPATH names. Reads where
it is from standard input as one line of JSON, says its port, and runs until that is closed.
"""

import asyncio
import gc
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from cryptography.fernet import Fernet

from bot import log
from bot.app import Bot
from bot.config import Settings
from bot.model import DbcSession
from bot.services.credential_keys import vault_of
from storage import Store


async def main(data: Path) -> None:
    """Serve until standard input is closed."""
    room: dict[str, Any] = json.loads(sys.stdin.readline())
    given: dict[str, Any] = {
        "slack_bot_token": room["bot_token"],
        "slack_app_token": None,
        "slack_signing_secret": room["signing_secret"],
        "slack_api_url": room["api_url"],
        "dbc_client_urls": room["dbc_url"],
        "database_url": f"sqlite+aiosqlite:///{data}/bot.db",
        "credential_keys": (Fernet.generate_key().decode(),),
        "http_port": 0,
        "policy_file": str(data / "policy.toml") if (data / "policy.toml").exists() else None,
    }
    settings = Settings(_env_file=None, **given)
    log.configure("json", "info")
    store = Store(settings.database_url, vault_of(settings))
    await store.migrate()
    identifier, signature = room["session"]
    session = DbcSession(
        room["user"], room["node"], identifier, signature, added_at=datetime.now(UTC)
    )
    async with store.write() as tx:
        await tx.sessions.put(session)
    await store.close()
    began = perf_counter()
    bot = Bot(settings)
    await bot.start()
    took = perf_counter() - began
    gc.collect()
    gc.freeze()  # as bot.app.run does
    await asyncio.sleep(3)  # its first looks around are over
    print(json.dumps({"port": bot.edge.port, "start": took}), flush=True)  # noqa: T201 - as above
    await asyncio.to_thread(sys.stdin.read)
    await bot.stop()


if __name__ == "__main__":
    serving = main(Path(sys.argv[1]))
    try:
        from bot import loop
    except ImportError:  # an earlier commit
        asyncio.run(serving)
    else:
        loop.run(serving)
