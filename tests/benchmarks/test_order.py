"""What keeps acknowledgements short: they go before the work of what was acknowledged earlier."""

import asyncio
from pathlib import Path

from cryptography.fernet import Fernet

from bot.ids import UserId
from storage import Store, Vault
from tests.storage.samples import SOON, execution


async def test_recording_waits_for_one_writer_and_not_for_those_who_queue(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/bot.db", Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    recorded_before: list[bool] = []
    begun, release = asyncio.Event(), asyncio.Event()

    async def write(name: str) -> None:
        async with store.write() as tx:
            recorded_before.append(await tx.executions.find(execution().id) is not None)
            await tx.aliases.set(UserId("U1"), name, "vm list")
            begun.set()
            await release.wait()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(write(f"write-{number}"))
        await begun.wait()
        group.create_task(store.record(execution(), by="process-1", until=SOON))
        for _ in range(20):  # turns of the loop, until it has asked for its own
            await asyncio.sleep(0)
        release.set()
    await store.close()
    assert recorded_before == [False, True, True, True, True]
