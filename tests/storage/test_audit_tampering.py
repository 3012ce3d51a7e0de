import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from bot.errors import BotError
from bot.model import AuditHead
from storage import Archive, Store
from storage.chain import hash_of
from storage.engine import open_engines
from storage.tables import audit
from tests.databases import begin
from tests.storage.trail import append, entry, fault, rows

# The database refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'x' WHERE seq = 2",
        "UPDATE audit SET reason = reason",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
async def test_the_database_refuses_to_change_or_remove_a_row(
    store: Store, url: str, archive: Archive, statement: str
) -> None:
    if url.startswith("sqlite") and statement.startswith("TRUNCATE"):
        pytest.skip("SQLite knows no TRUNCATE")
    await append(store, entry("1"), entry("2"), entry("3"))
    engines = open_engines(url)
    with pytest.raises((DBAPIError, BotError)) as caught:
        async with engines.writing() as connection:
            await connection.execute(text(statement))
    assert "append-only" in f"{caught.value} {caught.value.__cause__}"
    await engines.dispose()
    assert len(await rows(store)) == 3
    assert await fault(archive) is None


async def test_sqlite_refuses_to_replace_a_row_or_put_one_in_between(
    store: Store, url: str, tmp_path: Path
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("only SQLite has INSERT OR REPLACE")
    await append(store, entry("1"), entry("2"))
    with sqlite3.connect(tmp_path / "data" / "bot.db") as connection:
        for seq in (0, 1, 2):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(
                    "INSERT OR REPLACE INTO audit SELECT ?, " + _names("seq") + " FROM audit "
                    "WHERE seq = 2",
                    [seq],
                )
    connection.close()
    assert len(await rows(store)) == 2


def _names(*without: str) -> str:
    return ", ".join(f'"{c.name}"' for c in audit.columns if c.name not in without)


# Tampering by someone who can do anything with the database

ROWS = 4
COLUMNS = [column.name for column in audit.columns]


async def tampered(url: str, *statements: str) -> None:
    engines = open_engines(url)
    async with engines.writing() as connection:
        if url.startswith("sqlite"):
            for trigger in ("update", "delete", "replace"):
                await connection.execute(text(f"DROP TRIGGER audit_refuses_{trigger}"))
        else:
            await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        for statement in statements:
            await connection.execute(text(statement))
    await engines.dispose()


@pytest.fixture
async def head(store: Store) -> AuditHead:
    """Some rows, and the head that was told when they were the last."""
    await append(store, *(entry(str(number)) for number in range(1, ROWS + 1)))
    async with store.read() as tx:
        head = await tx.audit.head()
    assert head is not None
    return head


async def test_an_untouched_audit_is_sound(archive: Archive, head: AuditHead) -> None:
    assert await archive.verify() == (None, head)
    assert await archive.verify(head) == (None, head)


async def test_any_altered_column_of_any_row_is_found(sqlite_url: str, vault: Any) -> None:
    file = Path(str(make_url(sqlite_url).database))
    begin(file)
    store = Store(sqlite_url, vault)
    await append(store, *(entry(str(number)) for number in range(1, ROWS + 1)))
    await store.close()
    await tampered(sqlite_url)
    archive, missed = Archive(sqlite_url), []
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for seq, column in product((1, 2, ROWS), COLUMNS):
            if column == "seq":
                continue
            old = database.execute(f'SELECT "{column}" FROM audit WHERE seq = {seq}').fetchone()
            database.execute(f"UPDATE audit SET \"{column}\" = 'x' WHERE seq = {seq}")
            found = await fault(archive)
            if found is None or found[0] != seq or "altered" not in found[1]:
                missed.append((seq, column, found))
            database.execute(f'UPDATE audit SET "{column}" = ? WHERE seq = {seq}', old)
            assert await fault(archive) is None
    await archive.close()
    assert missed == []


@pytest.mark.parametrize(
    ("statement", "seq", "word"),
    [
        ("UPDATE audit SET reason = 'x' WHERE seq = 2", 2, "altered"),
        ("UPDATE audit SET arguments = '{}' WHERE seq = 1", 1, "altered"),
        ("UPDATE audit SET seq = 9 WHERE seq = 4", 4, "removed"),
        ("UPDATE audit SET seq = 0 WHERE seq = 1", 1, "removed"),
        ("DELETE FROM audit WHERE seq = 1", 1, "removed"),
        ("DELETE FROM audit WHERE seq = 3", 3, "removed"),
        ("DELETE FROM audit WHERE seq IN (2, 3)", 2, "removed"),
    ],
)
async def test_altered_and_removed_rows_are_named(
    url: str, archive: Archive, head: AuditHead, statement: str, seq: int, word: str
) -> None:
    await tampered(url, statement)
    for known in (None, head):
        found = await fault(archive, known)
        assert found is not None
        assert found[0] == seq
        assert word in found[1]


@pytest.mark.parametrize("kept", [3, 1, 0])
async def test_rows_cut_off_at_the_end_are_found_against_a_head(
    url: str, archive: Archive, head: AuditHead, kept: int
) -> None:
    await tampered(url, f"DELETE FROM audit WHERE seq > {kept}")
    assert await fault(archive) is None
    found = await fault(archive, head)
    assert found is not None
    assert found[0] == kept + 1
    assert "cut off" in found[1]


async def test_a_chain_made_anew_is_found_against_a_head(
    store: Store, url: str, archive: Archive, head: AuditHead
) -> None:
    await tampered(url, "DELETE FROM audit WHERE seq > 1")
    await append(store, *(entry("forged") for _ in range(ROWS)))
    assert await fault(archive) is None
    found = await fault(archive, head)
    assert found is not None
    assert found[0] == ROWS
    assert "given head" in found[1]


async def test_a_row_with_a_hash_made_anew_is_found_at_the_next(
    url: str, archive: Archive, head: AuditHead, store: Store
) -> None:
    async with store.read() as tx:
        async for chunk in tx.audit.raw():
            stored = {**chunk[1], "reason": "forged"}
    await tampered(
        url, f"UPDATE audit SET reason = 'forged', hash = '{hash_of(stored)}' WHERE seq = 2"
    )
    found = await fault(archive)
    assert found is not None
    assert found[0] == 2


async def test_bytes_put_into_a_column_are_found(sqlite_url: str, vault: Any) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await append(store, entry("1"))
    await store.close()
    await tampered(sqlite_url, "UPDATE audit SET reason = CAST(reason AS BLOB)")
    archive = Archive(sqlite_url)
    found = await fault(archive)
    await archive.close()
    assert found is not None


async def test_an_archive_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="no database"):
        Archive(f"sqlite:///{tmp_path}/none.db")
