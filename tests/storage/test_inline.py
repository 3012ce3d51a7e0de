import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from storage import Store, Vault
from storage.engine import Engines, open_engines
from storage.inline import connect

BEGIN = "BEGIN IMMEDIATE"


async def _thread_of(engines: Engines, way: str) -> int:
    """The thread in which a statement of a transaction of this kind is carried out."""

    def teach(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        driver._conn.create_function("thread", 0, threading.get_ident)

    async with getattr(engines, way)() as connection:
        await connection.run_sync(teach)
        found: int = await connection.scalar(text("SELECT thread()"))
        return found


@pytest.mark.parametrize(
    ("way", "is_here"), [("reading", True), ("writing", True), ("browsing", False)]
)
async def test_only_what_may_be_long_changes_threads(
    sqlite_url: str, tmp_path: Path, way: str, *, is_here: bool
) -> None:
    (tmp_path / "data").mkdir()
    engines = open_engines(sqlite_url)
    assert (await _thread_of(engines, way) == threading.get_ident()) is is_here
    await engines.dispose()


async def test_others_go_on_while_another_process_holds_the_file(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    other = sqlite3.connect(tmp_path / "data" / "bot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def writes() -> None:
        async with store.write() as tx:
            await tx.aliases.set("U1", "gpus", "vm list")

    writing = asyncio.create_task(writes())
    await store.ping()
    assert not writing.done()
    other.execute("ROLLBACK")
    other.close()
    await writing
    async with store.read() as tx:
        assert await tx.aliases.all() == {"U1": {"gpus": "vm list"}}
    await store.close()


async def test_what_follows_a_statement_that_nobody_waits_for_any_more_waits_for_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.inline.PATIENCE", 0)
    connection: Any = await connect(str(tmp_path / "one.db"), isolation_level=None)
    connection._conn.create_function("thread", 0, threading.get_ident)
    with closing(sqlite3.connect(tmp_path / "one.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        beginning = asyncio.ensure_future(connection._execute(connection._conn.execute, BEGIN))
        await asyncio.sleep(0)
        beginning.cancel()
        await asyncio.wait([beginning])
        next_one = asyncio.ensure_future(
            connection._execute(connection._conn.execute, "SELECT thread()")
        )
        await asyncio.sleep(0)
        other.execute("ROLLBACK")
        found = (await next_one).fetchone()
    assert found != (threading.get_ident(),)
    await connection.close()
