import asyncio
import sqlite3
import traceback
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, make_url, text

from bot.errors import BotError
from bot.ids import ExecutionId
from storage import StorageFailed, Store, Vault, is_unused, migrations
from storage.engine import open_engines
from storage.migrations.applying import _config
from storage.postgres import PostgresEngines
from storage.tables import metadata
from tests.storage.samples import SOON, execution
from tests.storage.test_busy import connected


async def test_the_revisions_make_exactly_the_tables(store: Store, url: str) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    engines = open_engines(url)
    async with engines.reading() as connection:
        assert await connection.run_sync(compare) == []
    await engines.dispose()


def test_the_newest_revision_is_the_head() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [migrations.HEAD]


async def test_migrating_again_changes_nothing(store: Store) -> None:
    await store.record(execution(), by="p", until=SOON)
    await store.migrate()
    async with store.read() as tx:
        assert await tx.executions.get(ExecutionId("execution-1")) == execution()


async def test_many_who_migrate_at_once_all_find_the_schema(url: str, vault: Vault) -> None:
    stores = [Store(url, vault) for _ in range(4)]
    await asyncio.gather(*(store.migrate() for store in stores))
    for number, store in enumerate(stores):
        assert await store.record(execution(str(number)), by="p", until=SOON)
        await store.close()


async def test_a_migration_takes_longer_than_any_statement_may(
    postgres_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.postgres._PATIENCE", 0.5)
    other = await connected(postgres_url)
    name = make_url(postgres_url).database
    await other.execute(f"ALTER DATABASE \"{name}\" SET statement_timeout = '500ms'")
    await other.execute("SET statement_timeout = 0")
    await other.execute("SELECT pg_advisory_lock(hashtext('dbc-bot migrations'))")
    store = Store(postgres_url, vault)
    migrating = asyncio.ensure_future(store.migrate())
    await other.execute("SELECT pg_sleep(2)")
    assert not migrating.done()
    await other.execute("SELECT pg_advisory_unlock(hashtext('dbc-bot migrations'))")
    await migrating
    assert await store.record(execution(), by="p", until=SOON)
    await other.close()
    await store.close()


async def test_a_migration_that_fails_leaves_nothing_behind(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    store = Store(sqlite_url, vault)
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "bot.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("CREATE TABLE watches (something TEXT)")
    with pytest.raises(StorageFailed):
        await store.migrate()
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    await store.close()
    assert tables == [("alembic_version",), ("watches",)]


@pytest.mark.parametrize(
    ("status", "effect", "former"),
    [
        ("running", 1, "waiting"),
        ("unknown", 1, "recorded"),
        ("done", 3, "waiting"),
        ("done", 3, ""),
    ],
)
async def test_what_a_former_version_put_back_is_known_as_that(
    store: Store, url: str, status: str, effect: int, former: str
) -> None:
    await store.record(execution(), by="p", until=SOON)
    engines = open_engines(url)
    async with engines.writing() as connection:
        await connection.run_sync(_back_to, "executions_digests")
        await connection.execute(
            text(
                "UPDATE executions "
                "SET facts = :facts, status = :status, effect = :effect, started_at = created_at"
            ),
            {"facts": f'{{"put back": "{former}"}}', "status": status, "effect": effect},
        )
        await connection.run_sync(migrations.upgrade)
        found = await connection.scalar(text("SELECT put_back FROM executions"))
    assert found == former
    await engines.dispose()


async def test_messages_are_indexed_before_any_other_table_is_locked(
    store: Store, url: str
) -> None:
    said: list[str] = []

    def upgrade(connection: Connection) -> None:
        _back_to(connection, "rentals_taken")
        event.listen(connection, "before_cursor_execute", lambda *heard: said.append(heard[2]))
        migrations.upgrade(connection)

    engines = open_engines(url)
    async with engines.writing() as connection:
        await connection.run_sync(upgrade)
    await engines.dispose()
    indexed = [at for at, one in enumerate(said) if "INDEX ix_messages" in one]
    locking = [at for at, one in enumerate(said) if "ALTER TABLE" in one]
    assert indexed
    assert max(indexed) < min(locking)


def _back_to(connection: Connection, revision: str) -> None:
    command.downgrade(_config(connection), revision)


async def test_a_store_touches_nothing_before_it_is_asked(tmp_path: Path, vault: Vault) -> None:
    store = Store(f"sqlite:///{tmp_path}/deep/data/bot.db", vault)
    assert not (tmp_path / "deep").exists()
    await store.close()


@pytest.mark.parametrize(
    "url",
    ["", "mysql://u:SECRET@h/d", "SECRET", "sqlite://", "sqlite:///:memory:", "postgres:SECRET"],
)
def test_an_address_of_no_use_is_refused_without_being_shown(url: str, vault: Vault) -> None:
    with pytest.raises(BotError) as caught:
        Store(url, vault)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://u:SECRET@h/d?channel_binding=require", "cannot use: channel_binding"),
        ("postgres://u:SECRET@h/d?sslrootcert=SECRET", "cannot use: sslrootcert"),
        ("postgres://u:SECRET@h/d?sslmode=SECRET", "value of sslmode"),
        ("sqlite:///x.db?check_same_thread=SECRET", "cannot use: check_same_thread"),
    ],
)
def test_an_option_of_no_use_is_named_and_its_value_is_not_shown(
    url: str, told: str, vault: Vault
) -> None:
    with pytest.raises(BotError, match=told) as caught:
        Store(url, vault)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value)) + str(
        caught.value.hint
    )


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
async def test_an_address_may_be_written_as_providers_print_it(scheme: str) -> None:
    engines = open_engines(f"{scheme}://u:pw@h/d?sslmode=require")
    assert isinstance(engines, PostgresEngines)
    assert engines.url.render_as_string() == ("postgresql+asyncpg://u:***@h/d?ssl=require")
    await engines.dispose()


async def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    store: Store, url: str, vault: Vault
) -> None:
    async with store._engines.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer = Store(url, vault)
    with pytest.raises(BotError, match=r"A newer version of the bot .* \(schema 9999\)"):
        await newer.migrate()
    await newer.close()
    async with store._engines.reading() as connection:
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
        assert found.scalar_one() == "9999"


async def test_a_postgresql_database_is_unused_until_a_bot_has_begun_it(
    postgres_url: str, vault: Vault
) -> None:
    assert await is_unused(postgres_url)
    store = Store(postgres_url, vault)
    await store.migrate()
    await store.close()
    assert not await is_unused(postgres_url)
