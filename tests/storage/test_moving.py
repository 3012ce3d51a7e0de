"""`python -m bot copy`: everything goes from a SQLite file into PostgreSQL, once and whole."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import MetaData, TableClause, column, create_engine, select
from sqlalchemy import table as table_clause

from bot.__main__ import main
from bot.model import AuditHead
from storage import Archive, Store
from storage.file import claim
from storage.tables import known_versions, metadata
from storage.vault import Vault
from tests.release import HERE, load

RELEASE = sorted(HERE.glob("*.sql"))[-1]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bot's directory, with work under way."""
    monkeypatch.chdir(tmp_path)
    load(RELEASE, tmp_path / "data")
    return tmp_path / "data"


def copy(data: Path, url: str, key: str = "") -> Result:
    key = key or (data / "credential.key").read_text()
    settings = {"DATABASE_URL": url, "CREDENTIAL_KEYS": key}
    return CliRunner().invoke(main, ["copy", str(data / "bot.db")], env=settings)


def tables_of(data: Path) -> list[TableClause]:
    """The tables and columns of the release: what a later version has added is beside the point."""
    engine = create_engine(f"sqlite:///{data}/bot.db")
    release = MetaData()
    release.reflect(engine)
    engine.dispose()
    return [
        table_clause(
            known.name, *(column(c.name, c.type) for c in known.columns if c.name in its.c)
        )
        for known in metadata.sorted_tables
        if known is not known_versions and (its := release.tables.get(known.name)) is not None
    ]


def rows_in(data: Path) -> dict[str, list[Any]]:
    """Every row of the file, by table; moments as they were meant."""
    engine = create_engine(f"sqlite:///{data}/bot.db")
    with engine.connect() as connection:
        found = {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in tables_of(data)
        }
    engine.dispose()
    return found


async def _verified(url: str) -> AuditHead:
    archive = Archive(url)
    fault, head = await archive.verify()
    await archive.close()
    assert fault is None
    return head


async def _rows_of_postgres(url: str, tables: Sequence[TableClause]) -> dict[str, list[Any]]:
    archive = Archive(url)
    try:
        async with archive._engines.browsing() as connection:
            return {
                table.name: sorted(map(repr, await connection.execute(select(table))))
                for table in tables
            }
    finally:
        await archive.close()


def test_everything_is_there_and_the_chain_holds(data: Path, postgres_url: str) -> None:
    before, tables = rows_in(data), tables_of(data)
    assert all(before[table] for table in ("dbc_sessions", "approvals", "watches", "audit"))
    done = copy(data, postgres_url)
    assert done.exit_code == 0, done.output
    assert asyncio.run(_rows_of_postgres(postgres_url, tables)) == before
    head = asyncio.run(_verified(postgres_url))
    assert f"Audit head: {head.seq}:{head.hash}." in done.output
    keys = CliRunner().invoke(
        main,
        ["keys", "list"],
        env={
            "DATABASE_URL": postgres_url,
            "CREDENTIAL_KEYS": (data / "credential.key").read_text(),
        },
    )
    assert keys.exit_code == 0, keys.output  # every sealed row opens


def test_the_file_is_put_aside_so_that_no_bot_goes_on_with_it(
    data: Path, postgres_url: str
) -> None:
    assert copy(data, postgres_url).exit_code == 0
    assert not (data / "bot.db").exists()
    assert len(list(data.glob("bot.db.moved-*"))) == 1


REFUSES_AT_COMMIT = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no room is left on the device'; END $$;
    CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON executions
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def _migrated(url: str) -> None:
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    await store.close()


async def _carries_out(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(statements)
    finally:
        await connection.close()


def test_at_no_moment_two_databases_have_the_rows(data: Path, postgres_url: str) -> None:
    asyncio.run(_migrated(postgres_url))
    asyncio.run(_carries_out(postgres_url, REFUSES_AT_COMMIT))
    assert copy(data, postgres_url).exit_code != 0
    [aside] = data.glob("bot.db.moved-*")  # before the rows were to be committed
    assert not (data / "bot.db").exists()
    again = copy(data, postgres_url)
    assert f"an earlier copy has put it aside as {aside}" in again.output
    assert "rename the file back and copy it again" in again.output
    aside.rename(data / "bot.db")
    asyncio.run(_carries_out(postgres_url, "DROP TRIGGER refuses ON executions"))
    done = copy(data, postgres_url)
    assert done.exit_code == 0, done.output


def test_a_database_that_has_rows_is_left_as_it_is(data: Path, postgres_url: str) -> None:
    assert copy(data, postgres_url).exit_code == 0
    tables = list(metadata.sorted_tables)
    there = asyncio.run(_rows_of_postgres(postgres_url, tables))
    load(RELEASE, data)
    again = copy(data, postgres_url)
    assert again.exit_code == 1
    assert "The database that DATABASE_URL names is not empty" in again.output
    assert "Nothing was changed." in again.output
    assert asyncio.run(_rows_of_postgres(postgres_url, tables)) == there
    assert (data / "bot.db").exists()


def test_keys_that_do_not_open_what_is_sealed_are_refused(data: Path, postgres_url: str) -> None:
    done = copy(data, postgres_url, Fernet.generate_key().decode())
    assert done.exit_code == 1
    assert "CREDENTIAL_KEYS does not open 3 rows of the database." in done.output
    assert (data / "bot.db").exists()


def test_a_file_that_a_bot_uses_is_not_copied(data: Path, postgres_url: str) -> None:
    with claim(data / "bot.db"):
        done = copy(data, postgres_url)
    assert done.exit_code == 1
    assert (data / "bot.db").exists()


def test_the_target_has_to_be_postgresql(data: Path) -> None:
    done = copy(data, f"sqlite:///{data}/other.db")
    assert done.exit_code == 1
    assert "DATABASE_URL has to name the PostgreSQL database" in done.output


def test_a_row_that_holds_no_json_moves_with_the_others(data: Path, postgres_url: str) -> None:
    with closing(sqlite3.connect(data / "bot.db")) as raw:
        raw.execute("UPDATE executions SET facts = 'no JSON'")
        raw.commit()
    done = copy(data, postgres_url)
    assert done.exit_code == 0, done.output
