"""A SQLite file on a network file system that does not answer about it for a moment."""

import asyncio
import errno
import os
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storage import StorageFailed, Store, Vault
from storage.sqlite import SqliteEngines
from tests.storage.samples import SOON, execution, session


async def _writes(store: Store) -> None:
    async with store.write() as tx:
        await tx.sessions.put(session())  # erases, too: the journal is emptied afterwards


async def _records(store: Store) -> None:
    assert await store.record(execution(), by="p", until=SOON)


async def _scrubs(store: Store) -> None:
    await store._engines.scrub()


class _Stale:
    """Answers about the file `times` times, and then no more."""

    def __init__(self, file: Path, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file, self._times, self._real = file, times, os.stat
        monkeypatch.setattr(os, "stat", self)

    def __call__(self, path: Any, *rest: Any, **named: Any) -> os.stat_result:
        if path == self._file:
            self._times -= 1
            if self._times < 0:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return self._real(path, *rest, **named)


@pytest.mark.parametrize(
    ("does", "answers"), [(_writes, 1), (_records, 1), (_scrubs, 0), (_scrubs, 1)]
)
async def test_what_is_stored_is_not_told_as_failed(
    does: Callable[[Store], Awaitable[None]], answers: int, sqlite_url: str, tmp_path: Path,
    vault: Vault,
) -> None:  # fmt: skip
    store = Store(sqlite_url, vault)
    await store.migrate()
    await store.ping()
    with pytest.MonkeyPatch.context() as monkeypatch:
        _Stale(tmp_path / "data" / "bot.db", answers, monkeypatch)
        await does(store)
        with pytest.raises(StorageFailed):  # nothing is stored before it answers again
            await _writes(store)
    await _writes(store)
    await store.scrub()
    assert store._engines.is_scrubbed
    await store.close()


async def test_nobody_waits_for_a_look_at_a_file_that_somebody_holds(
    sqlite_url: str, vault: Vault
) -> None:
    store, waits = Store(sqlite_url, vault), list[int]()
    await store.migrate()
    real = sqlite3.connect

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = real(*arguments, **named)
        waits.extend(made.execute("PRAGMA busy_timeout").fetchone())
        return made

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sqlite3, "connect", connect)
        await store.try_writing()
    assert set(waits) == {0}
    await store.close()


async def test_nobody_waits_for_a_long_look_at_a_file_that_became_shorter(
    sqlite_url: str, tmp_path: Path, vault: Vault
) -> None:
    store, file = Store(sqlite_url, vault), tmp_path / "data" / "bot.db"
    await store.migrate()
    await store.try_writing()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("CREATE TABLE filler AS SELECT zeroblob(1000000) AS filling")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    await store.try_writing()
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("DROP TABLE filler")
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    real, looks, go_on = sqlite3.connect, asyncio.Queue[None](), threading.Event()
    loop, here = asyncio.get_running_loop(), threading.get_ident()

    def connect(*arguments: Any, **named: Any) -> sqlite3.Connection:
        if "mode=ro" in str(arguments[0]):
            loop.call_soon_threadsafe(looks.put_nowait, None)
            assert threading.get_ident() != here
            assert go_on.wait(30)
        made: sqlite3.Connection = real(*arguments, **named)
        return made

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sqlite3, "connect", connect)
        one = asyncio.create_task(_writes(store))
        await looks.get()
        async with store.read() as tx:  # what people read is answered meanwhile
            assert len(await tx.defaults.all()) == 1
        one.cancel()  # as where Slack waits no longer
        with pytest.raises(asyncio.CancelledError):
            await one
        other = asyncio.create_task(_writes(store))
        assert isinstance(store._engines, SqliteEngines)
        await asyncio.sleep(0)
        assert store._engines.turn.locked()  # it waits for the look
        go_on.set()
        await other
    assert looks.empty()  # it was one look for both
    await store.close()
