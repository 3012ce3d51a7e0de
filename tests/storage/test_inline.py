import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from structlog.testing import capture_logs

from bot.ids import UserId
from storage import StorageFailed, Store, Vault, prepare
from storage.engine import open_engines
from storage.tables import aliases
from storage.ways import Engines


async def _thread_of(engines: Engines, way: str, **how: bool) -> int:
    """The thread in which a statement of a transaction of this kind is carried out."""

    def teach(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        getattr(driver, "_conn", driver).create_function("thread", 0, threading.get_ident)

    async with getattr(engines, way)(**how) as connection:
        await connection.run_sync(teach)
        found: int = await connection.scalar(text("SELECT thread()"))
        return found


@pytest.mark.parametrize(
    ("way", "is_here"), [("reading", True), ("writing", True), ("browsing", False)]
)
async def test_only_what_may_be_long_changes_threads(
    sqlite_url: str, tmp_path: Path, way: str, *, is_here: bool
) -> None:
    prepare(tmp_path / "data" / "bot.db")
    engines = open_engines(sqlite_url)
    assert (await _thread_of(engines, way) == threading.get_ident()) is is_here
    await engines.dispose()


@pytest.mark.parametrize(
    ("rows", "page", "how", "is_here"),
    [
        (1, 4096, {}, True),
        (1, 4096, {"many_rows": True}, False),
        (1, 65_536, {}, False),
        (3_000, 4096, {}, False),
    ],
)
async def test_a_small_file_is_gone_through_at_once(
    sqlite_url: str, vault: Vault, tmp_path: Path, rows: int, page: int, how: dict[str, bool],
    *, is_here: bool,
) -> None:  # fmt: skip
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "bot.db")) as made:
        made.execute(f"PRAGMA page_size = {page}")
        made.execute("PRAGMA journal_mode = WAL")
    store = Store(sqlite_url, vault)
    await store.migrate()
    await store.ping()
    with closing(sqlite3.connect(tmp_path / "data" / "bot.db")) as other, other:
        other.executemany(
            "INSERT INTO aliases (user, name, body) VALUES ('U1', ?, ?)",
            [(str(number), "vm list " * 200) for number in range(rows)],
        )
    found = await _thread_of(store._engines, "browsing", **how)
    assert (found == threading.get_ident()) is is_here
    await store.close()


@pytest.mark.parametrize("way", ["reading", "browsing", "writing"])
async def test_no_file_is_made_in_the_place_of_one_that_was_deleted(
    sqlite_url: str, vault: Vault, tmp_path: Path, way: str
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    (tmp_path / "data" / "bot.db").unlink()
    engines = open_engines(sqlite_url)  # as a connection that the bot has not had until then
    with pytest.raises(StorageFailed):
        async with getattr(engines, way)():
            pass
    await engines.dispose()
    assert not (tmp_path / "data" / "bot.db").exists()
    await store.close()


async def test_others_go_on_while_another_process_holds_the_file(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "data" / "bot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def writes() -> None:
        async with store.write() as tx:
            await tx.aliases.set(UserId("U1"), "gpus", "vm list")

    writing = asyncio.create_task(writes())
    await store.ping()
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()
    await writing
    async with store.read() as tx:
        assert await tx.aliases.all() == {"U1": {"gpus": "vm list"}}
    await store.close()


async def test_what_follows_a_commit_that_nobody_waits_for_any_more_waits_for_its_end(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()

    async def writes(body: str) -> None:
        async with store.write() as tx:
            await tx.aliases.set(UserId("U1"), "gpus", body)

    first, second = (asyncio.ensure_future(writes(body)) for body in ("vm list", "vm show"))
    async with asyncio.timeout(5):
        while not first.done():
            first.cancel()
            await asyncio.sleep(0)
        await second
    async with store.read() as tx:
        assert await tx.aliases.all() == {"U1": {"gpus": "vm show"}}
    await store.close()


async def test_whoever_is_cancelled_while_the_journal_is_emptied_is_cancelled(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    scrubbing = asyncio.ensure_future(store._engines.scrub())
    await asyncio.sleep(0)
    scrubbing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scrubbing
    await store.close()


async def test_what_has_nothing_to_write_does_not_wait_for_the_disk(
    sqlite_url: str, vault: Vault
) -> None:
    store, flushed = Store(sqlite_url, vault), threading.Event()
    await store.migrate()
    writer: Any = store._engines._writer  # type: ignore[attr-defined]
    waiting = asyncio.ensure_future(writer.in_thread(flushed.wait))
    await asyncio.sleep(0)
    async with asyncio.timeout(5), store.write() as tx:
        assert await tx.aliases.all() == {}
    assert not waiting.done()
    flushed.set()
    await waiting
    await store.close()


async def test_rows_that_nobody_reads_keep_no_former_state(sqlite_url: str, vault: Vault) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    async with store.write() as tx:
        for name in ("a", "b"):
            await tx.aliases.set(UserId("U1"), name, "vm list")
    async with store._engines.reading() as connection:
        unread = await connection.execute(select(aliases))
    async with store.write() as tx:
        await tx.aliases.set(UserId("U1"), "c", "vm list")
    async with store.read() as tx:
        assert set((await tx.aliases.all())["U1"]) == {"a", "b", "c"}
    assert unread is not None
    await store.close()


async def test_a_writer_that_cannot_be_used_again_is_logged_and_replaced(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    writer: Any = store._engines._writer  # type: ignore[attr-defined]

    async def breaks() -> None:
        async with store.write() as tx:
            await tx.aliases.set(UserId("U1"), "a", "vm list")
            writer.connection.connection.driver_connection.close()

    with capture_logs() as logs, pytest.raises(sqlite3.ProgrammingError):
        await breaks()
    assert [entry["event"] for entry in logs] == ["sqlite.writer_discarded"]
    async with store.write() as tx:
        await tx.aliases.set(UserId("U1"), "b", "vm list")
        assert await tx.aliases.all() == {"U1": {"b": "vm list"}}
    await store.close()


async def test_a_journal_that_cannot_be_marked_is_told_as_a_failure_of_the_database(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await store.try_writing()  # whoever writes next begins a journal
    writer: Any = store._engines._writer  # type: ignore[attr-defined]
    driver: sqlite3.Connection = writer.connection.connection.driver_connection

    def takes(_action: int, name: str | None, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if name == "application_id" else sqlite3.SQLITE_OK

    async def writes(name: str) -> None:
        async with store.write() as tx:
            await tx.aliases.set(UserId("U1"), name, "vm list")

    driver.set_authorizer(takes)
    with pytest.raises(StorageFailed):
        await writes("a")
    driver.set_authorizer(None)
    await writes("b")
    async with store.read() as tx:
        assert await tx.aliases.all() == {"U1": {"b": "vm list"}}
    await store.close()


async def test_a_thread_that_fails_at_its_end_is_no_failure_of_the_stop(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    fails = asyncio.get_running_loop().create_future()
    fails.set_exception(sqlite3.OperationalError("disk I/O error"))
    store._engines._ending.add(fails)  # type: ignore[attr-defined]
    await store.close()
