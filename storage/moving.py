"""Copies everything from a SQLite file into an empty PostgreSQL database, to go on there.

All or nothing: the target is filled in one transaction, and the file is put aside before that is
committed. So at no moment there are two databases with which a bot would carry out the same. Rows
are copied as they are, what is sealed and the chain of the audit included.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection, Table, create_engine, func, insert, select

from bot.errors import BotError
from bot.plural import counted
from storage.backup import Copied, copy_whole, set_aside
from storage.columns import lenient
from storage.connection import OpenConnection
from storage.engine import open_engines
from storage.file import drafted, flush_directory, require_there
from storage.journal import claim_own
from storage.migrations import upgrade
from storage.store import Store
from storage.tables import audit, known_versions, metadata
from storage.vault import Vault

_MOVED = "moved"
_AT_ONCE = 500  # rows; each has at most 24 values, and PostgreSQL takes 32,767 in a statement
# What is counted by triggers is counted anew as the rows come in.
_TABLES = tuple(table for table in metadata.sorted_tables if table is not known_versions)


def move(file: Path, url: str, vault: Vault, now: datetime) -> tuple[Copied, int, Path]:
    """Copy the database `file` to `url`, which has to be empty, and put the file aside.

    Says what was copied, how many rows, and where the file is now. Raises InUse while a bot runs on
    it, BotError.
    """
    if not file.is_file():
        raise _missing(file)
    require_there(file)
    with claim_own(file), drafted(file) as draft:
        copied = copy_whole(file, draft)
        engine = create_engine(URL.create("sqlite", database=str(draft)), json_deserializer=lenient)
        try:
            with engine.begin() as source:
                upgrade(source)
            asyncio.run(_require_keys(str(draft), vault))
            with engine.connect() as source:
                rows, aside = asyncio.run(_fill(source, url, vault, partial(_aside, file, now)))
        finally:
            engine.dispose()
    return copied, rows, aside


def _missing(file: Path) -> BotError:
    moved = sorted(file.parent.glob(f"{file.name}.{_MOVED}-*Z"))
    if not moved:
        return BotError(f"There is no database {file}.")
    return BotError(
        f"There is no database {file}: an earlier copy has put it aside as {moved[-1]}.",
        hint="If DATABASE_URL names a database without rows, that copy was interrupted: rename the "
        "file back and copy it again. Otherwise all rows are there: start the bot with it.",
    )


def _aside(file: Path, now: datetime) -> Path:
    aside = set_aside(file, now, _MOVED) or file
    flush_directory(aside)
    return aside


async def _require_keys(file: str, vault: Vault) -> None:
    """Raise BotError where something is sealed under a key that the new bot would not have."""
    store = Store(f"sqlite+aiosqlite:///{file}", vault)
    try:
        lost = (await store.sealed_under())[None]
    finally:
        await store.close()
    if lost:
        raise BotError(
            f"CREDENTIAL_KEYS does not open {counted(lost, 'row')} of the database.",
            hint="Put the keys of the bot that used it into CREDENTIAL_KEYS: the lines of "
            "credential.key beside its file, newest first, separated by commas.",
        )


async def _fill(
    source: Connection, url: str, vault: Vault, put_aside: Callable[[], Path]
) -> tuple[int, Path]:
    target = Store(url, vault)
    try:
        await target.migrate()
    finally:
        await target.close()
    engines = open_engines(url)
    try:
        async with engines.migrating() as connection:
            await _require_empty(connection)
            rows = 0
            for table in _TABLES:
                rows += await _copy(table, source, connection)
            return rows, put_aside()
    finally:
        await engines.dispose()


async def _require_empty(connection: OpenConnection) -> None:
    for table in _TABLES:
        if await connection.scalar(select(func.count()).select_from(table)):
            raise BotError(
                f"The database that DATABASE_URL names is not empty: it has rows in {table.name}.",
                hint="Copy into a new one. Nothing was changed.",
            )


async def _copy(table: Table, source: Connection, target: OpenConnection) -> int:
    order = [audit.c.seq] if table is audit else []
    count = 0
    for rows in source.execute(select(table).order_by(*order)).mappings().partitions(_AT_ONCE):
        await target.execute(insert(table), [dict(row) for row in rows])
        count += len(rows)
    return count
