"""Databases that are there already, so that a test need not wait for the schema to be made."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from cryptography.fernet import Fernet
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect

from storage import Store, Vault

_MEMORY, _ROOM = Path("/dev/shm"), 2 * 2**30  # bytes; a test that has passed leaves nothing there


def in_memory() -> Path | None:
    """A directory that waits for no disk, where there is one with room: tests commit often."""
    room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if room else None


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
        # A test may be running a loop here.
        aside.submit(asyncio.run, made(f"sqlite+aiosqlite:///{file}")).result()
        return file.read_bytes()


async def made(url: str) -> None:
    """Make all tables there."""
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    await store.close()


class Compilations(dict[tuple[Any, ...], Any]):
    """Statements as they were compiled for a dialect, by every engine of this process alike.

    SQLAlchemy keeps what it has compiled for each engine by itself. A program has one; the tests
    make thousands, and would spend a third of their time on compiling the same statements.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """What was compiled for this statement, whichever engine asked for it."""
        return super().get(_anybody(key), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__(_anybody(key), value)


def _anybody(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return type(dialect), getattr(dialect, "_json_deserializer", None), *statement


def share_compilations() -> None:
    """Let engines in this process share what they know of statements and types.

    Those that read JSON alike: how a value is read belongs to what is known.

    Not by an event: with a single listener SQLAlchemy looks for others at each step of everything.
    """
    compilations = Compilations()
    types: defaultdict[Any, WeakKeyDictionary[Any, Any]]  # how values get in and out
    types = defaultdict(WeakKeyDictionary)

    def share(dialect: type[DefaultDialect], engine: Engine) -> None:
        engine._compiled_cache = compilations
        deserializer = getattr(engine.dialect, "_json_deserializer", None)
        engine.dialect._type_memos = types[dialect, deserializer]

    DefaultDialect.engine_created = classmethod(share)  # type: ignore[method-assign, assignment]
