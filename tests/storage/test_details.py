"""What was last read of a machine: sealed, by session, erased in time, carried over to new keys."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography.fernet import Fernet

from bot.ids import NodeId, TaskId, UserId
from bot.model import Machine
from storage import Store, Vault

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SECRET = '{"login_password":"kT4b[9_QxZ/7m@aP"}'


async def opened(path: Path, *keys: bytes) -> Store:
    store = Store(f"sqlite+aiosqlite:///{path}/bot.db", Vault([key.decode() for key in keys]))
    await store.migrate()
    return store


async def test_details_are_sealed_found_by_their_session_alone_and_resealed(
    tmp_path: Path,
) -> None:
    old, new = Fernet.generate_key(), Fernet.generate_key()
    store = await opened(tmp_path, old)
    async with store.write() as tx:
        await tx.details.put(NodeId("n1"), TaskId("t1"), UserId("U1"), SECRET, NOW)
    assert b"kT4b" not in (tmp_path / "bot.db").read_bytes()
    async with store.read() as tx:
        assert await tx.details.find(NodeId("n1"), TaskId("t1"), UserId("U1")) == (SECRET, NOW)
        assert await tx.details.find(NodeId("n1"), TaskId("t1"), UserId("U2")) is None
    await store.close()
    store = await opened(tmp_path, new, old)
    assert sum((await store.sealed_under()).values()) == 1
    assert await store.reseal(NOW) == 1
    await store.close()
    store = await opened(tmp_path, new)
    async with store.read() as tx:
        assert await tx.details.all() == [SECRET]
    await store.close()


async def test_details_that_no_key_opens_are_as_if_they_were_not_there(tmp_path: Path) -> None:
    store = await opened(tmp_path, Fernet.generate_key())
    async with store.write() as tx:
        await tx.details.put(NodeId("n1"), TaskId("t1"), UserId("U1"), SECRET, NOW)
    await store.close()
    store = await opened(tmp_path, Fernet.generate_key())
    async with store.read() as tx:
        assert await tx.details.find(NodeId("n1"), TaskId("t1"), UserId("U1")) is None
        assert await tx.details.all() == []
    await store.close()


async def test_details_of_a_machine_that_is_gone_are_erased(tmp_path: Path) -> None:
    store = await opened(tmp_path, Fernet.generate_key())
    async with store.write() as tx:
        for task in ("t1", "t2"):
            await tx.details.put(NodeId("n1"), TaskId(task), UserId("U1"), SECRET, NOW)
        await tx.inventory.put_machine(
            Machine(NodeId("n1"), TaskId("t2"), UserId("U1"), "two", "running", "", NOW)
        )
        assert await tx.details.forget_gone() == 1
        assert await tx.details.find(NodeId("n1"), TaskId("t1"), UserId("U1")) is None
        await tx.details.forget(UserId("U1"), NodeId("n1"))
        assert await tx.details.all() == []
    await store.close()
