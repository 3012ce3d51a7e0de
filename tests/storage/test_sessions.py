import asyncio
import logging
import sqlite3
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy.exc import IntegrityError

from bot.health import Health
from bot.ids import ExecutionId, NodeId, UserId
from bot.model import ExecutionStatus
from bot.services.database import Database
from sandbox.dbc import ManualClock
from storage import Store, Vault
from storage.sqlite import BUSY_TIMEOUT_MS
from tests.storage.samples import LATER, NOW, execution, record, session


async def add(store: Store, *pairs: tuple[str, str]) -> None:
    async with store.write() as tx:
        for user, node in pairs:
            await tx.sessions.put(session(user, node))


async def test_a_session_comes_back_unchanged(store: Store) -> None:
    original = session(checked_at=NOW, problem="expired")
    async with store.write() as tx:
        await tx.sessions.put(original)
    async with store.read() as tx:
        assert await tx.sessions.find(UserId("U1"), NodeId("node-1")) == original
        assert await tx.sessions.find(UserId("U1"), NodeId("node-2")) is None


async def test_a_new_session_takes_the_place_of_the_former(store: Store) -> None:
    async with store.write() as tx:
        await tx.sessions.put(session(problem="expired"))
        await tx.sessions.put(session(session_id="SECRET-NEW", added_at=LATER))
        assert await tx.sessions.of(UserId("U1")) == [
            session(session_id="SECRET-NEW", added_at=LATER)
        ]


async def test_sessions_are_listed_by_person_and_by_node(store: Store) -> None:
    await add(store, ("U2", "n1"), ("U1", "n2"), ("U1", "n1"))
    async with store.read() as tx:
        assert [each.node for each in await tx.sessions.of(UserId("U1"))] == ["n1", "n2"]
        assert [each.user for each in await tx.sessions.on(NodeId("n1"))] == ["U1", "U2"]
        assert await tx.sessions.everyone() == [("U1", "n1"), ("U1", "n2"), ("U2", "n1")]


async def test_a_check_is_written_down(store: Store) -> None:
    await add(store, ("U1", "node-1"))
    async with store.write() as tx:
        await tx.sessions.checked(UserId("U1"), NodeId("node-1"), LATER, "refused")
        found = await tx.sessions.find(UserId("U1"), NodeId("node-1"))
    assert found is not None
    assert (found.checked_at, found.problem) == (LATER, "refused")


async def test_a_session_is_removed_once(store: Store) -> None:
    await add(store, ("U1", "node-1"))
    async with store.write() as tx:
        assert await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
        assert not await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
        assert await tx.sessions.everyone() == []


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.iterdir()))


def sealed_in(directory: Path) -> list[bytes]:
    """Every cipher text, read past the store."""
    with sqlite3.connect(directory / "bot.db") as connection:
        rows = connection.execute(
            "SELECT sealed FROM dbc_sessions UNION ALL SELECT secrets FROM executions"
        ).fetchall()
    connection.close()
    return [row[0] for row in rows if row[0] is not None]


async def test_no_file_ever_holds_a_secret_and_what_is_erased_leaves_no_trace(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    directory = tmp_path / "data"
    store = Store(sqlite_url, vault)
    await store.migrate()
    await add(store, ("U1", "node-1"))
    await record(store, execution(secrets={"password": "SECRET-PASSWORD"}))
    sealed = sealed_in(directory)
    assert len(sealed) == 2
    assert all(each in on_disk(directory) for each in sealed)
    assert b"SECRET" not in on_disk(directory)
    assert b"RENT-ORDER" not in on_disk(directory)
    async with store.write() as tx:
        await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
    async with store.write() as tx:
        await tx.executions.set_status(
            ExecutionId("execution-1"),
            ExecutionStatus.DONE,
            now=NOW,
            expect={ExecutionStatus.RECORDED},
        )
    assert not any(each in on_disk(directory) for each in sealed)
    await store.close()
    assert b"SECRET" not in on_disk(directory)


async def test_a_long_read_of_another_process_holds_up_nobody_and_what_is_erased_goes_after_it(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    directory = tmp_path / "data"
    store = Store(sqlite_url, vault)
    await store.migrate()
    await add(store, ("U1", "node-1"))
    sealed = sealed_in(directory)[0]
    looks = Database(store, Health(), ManualClock())
    with closing(sqlite3.connect(directory / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM dbc_sessions").fetchall()
        async with asyncio.timeout(BUSY_TIMEOUT_MS / 1000):
            async with store.write() as tx:
                await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
            done: list[str] = []
            writer: Any = store._engines._writer  # type: ignore[attr-defined]
            writer._driver.set_trace_callback(done.append)
            await looks.look()
            assert len([one for one in done if "wal_checkpoint" in one]) == 1
            await record(store, execution())
        assert sealed in on_disk(directory)
    await looks.look()
    assert sealed not in on_disk(directory)
    await store.close()


async def test_what_a_killed_process_has_left_in_its_journal_goes_after_the_next_start(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    directory = tmp_path / "data"
    killed, store = Store(sqlite_url, vault), Store(sqlite_url, vault)
    await killed.migrate()
    await add(killed, ("U1", "node-1"))
    sealed = sealed_in(directory)[0]
    with closing(sqlite3.connect(directory / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM dbc_sessions").fetchall()
        async with killed.write() as tx:
            await tx.sessions.remove(UserId("U1"), NodeId("node-1"))
    await store.migrate()
    assert sealed in on_disk(directory)
    await Database(store, Health(), ManualClock()).look()
    assert sealed not in on_disk(directory)
    await store.close()
    await killed.close()


async def test_keys_are_rotated_without_losing_anything(store: Store, url: str, key: str) -> None:
    await add(store, ("U1", "node-1"), ("U2", "node-1"))
    await record(store, execution(secrets={"password": "SECRET-PASSWORD"}))
    new = Fernet.generate_key().decode()
    both = Store(url, Vault([new, key]))
    assert await both.reseal(NOW) == 3
    await both.close()
    only_new = Store(url, Vault([new]))
    async with only_new.read() as tx:
        assert await tx.sessions.of(UserId("U1")) == [session("U1", "node-1")]
        assert (await tx.executions.get(ExecutionId("execution-1"))).secrets == {
            "password": "SECRET-PASSWORD"
        }
    await only_new.close()
    async with store.read() as tx:  # without the new key
        locked = session("U1", "node-1", session_id="", session_id_sign="", rent_order="")
        assert await tx.sessions.of(UserId("U1")) == [replace(locked, is_locked=True)]
        assert (await tx.executions.get(ExecutionId("execution-1"))).unreadable == "secrets"


async def test_what_no_key_opens_keeps_nothing_else_from_a_new_key(
    store: Store, url: str, key: str
) -> None:
    await add(store, ("U1", "node-1"))
    stranger = Store(url, Vault([Fernet.generate_key().decode()]))
    await add(stranger, ("U2", "node-1"))
    await stranger.close()
    new = Fernet.generate_key().decode()
    both = Store(url, Vault([new, key]))
    assert await both.reseal(NOW) == 1
    async with both.read() as tx:
        assert [one.is_locked for one in await tx.sessions.on(NodeId("node-1"))] == [False, True]
    await both.close()


async def test_logs_and_errors_show_no_secret(
    url: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store = Store(url, Vault([key]))
    await store.migrate()
    await add(store, ("U1", "node-1"))
    await record(store, execution(secrets={"password": "SECRET-PASSWORD"}))
    async with store.read() as tx:
        shown = repr(
            [
                await tx.sessions.of(UserId("U1")),
                await tx.executions.get(ExecutionId("execution-1")),
                store,
            ]
        )
    with pytest.raises(IntegrityError, match="parameters hidden") as caught:
        async with store.write() as tx:
            await tx.sessions.put(session(problem=None))
    await store.close()
    everything = f"{shown}{''.join(traceback.format_exception(caught.value))}{caplog.text}"
    assert "SECRET" not in everything
    assert key not in everything
