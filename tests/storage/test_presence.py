"""A SQLite file on a network file system that does not answer about it for a moment."""

import errno
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from storage import StorageFailed, Store, Vault
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
