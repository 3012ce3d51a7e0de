import asyncio
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from bot.errors import BotError, NotFound
from bot.ids import ExecutionId
from storage import InUse, StorageFailed, Store, Vault
from storage.backup import back_up
from storage.engine import open_engines
from storage.file import is_database, prepare
from storage.heartbeat import Leases
from storage.transaction import deciding, is_deciding
from tests.storage.samples import (
    HERE,
    LATER,
    NOW,
    SOON,
    claim_watches,
    execution,
    put,
    record,
    watch,
)


async def test_an_exception_undoes_the_whole_unit_of_work(store: Store) -> None:
    async def fail_late() -> None:
        async with store.write() as tx:
            await tx.messages.put("card:1", HERE, "a", NOW)
            await tx.watches.get("nobody")

    with pytest.raises(NotFound):
        await fail_late()
    async with store.read() as tx:
        assert await tx.messages.find("card:1") is None


async def test_a_naive_datetime_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="naive"):
        await put(store, "card:1", "a", NOW.replace(tzinfo=None))


async def test_many_writers_and_readers_at_once_all_succeed(store: Store, replica: Store) -> None:
    async def write(number: int) -> None:
        async with (store, replica)[number % 2].write() as tx:
            assert await tx.messages.find("nothing") is None  # read first, then write
            await tx.messages.put(f"card:{number}", HERE, "a", NOW)

    async def read(number: int) -> None:
        async with (store, replica)[number % 2].read() as tx:
            await tx.messages.find(f"card:{number}")

    async def take(number: int) -> None:
        assert await store.record(execution(str(number)), by="p", until=SOON)

    work = [job(number) for number in range(50) for job in (write, read, take)]
    await asyncio.gather(*work)
    async with store.write() as tx:
        assert len(await tx.messages.claim_due("p", NOW, SOON, 100)) == 50


async def test_writers_that_are_cancelled_leave_the_door_open(store: Store) -> None:
    started = [asyncio.create_task(put(store, f"card:{number}", "a")) for number in range(40)]
    for turns, task in enumerate(started):
        for _ in range(turns % 7):
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*started, return_exceptions=True)
    async with asyncio.timeout(10):
        await put(store, "card:last", "a")
        assert await store.record(execution(), by="p", until=SOON)


async def test_what_is_started_by_who_decides_does_not_decide() -> None:
    async def asked() -> bool:
        return is_deciding()

    with deciding():
        assert await asked()
        assert not await asyncio.create_task(asked())
    assert not await asked()


@pytest.mark.slow
async def test_a_second_process_is_kept_from_a_sqlite_file(
    sqlite_url: str, vault: Vault, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    first, second = Store(sqlite_url, vault), Store(sqlite_url, vault)
    await first.own()
    await first.own()
    with pytest.raises(InUse, match="Another process of the bot is using"):
        await second.own()
    other_process = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", TRY_TO_OWN, sqlite_url],
        cwd=pytestconfig.rootpath,
        capture_output=True,
        check=False,
    )
    assert b"InUse" in other_process.stderr
    await first.close()
    await second.own()
    await second.close()


TRY_TO_OWN = """
import asyncio, sys
from cryptography.fernet import Fernet
from storage import Store, Vault
asyncio.run(Store(sys.argv[1], Vault([Fernet.generate_key().decode()])).own())
"""


async def test_replicas_share_a_postgresql(postgres_url: str, vault: Vault) -> None:
    first, second = (Store(postgres_url, vault) for _ in range(2))
    for store in (first, second):
        await store.own()
        await store.migrate()
    assert await first.record(execution(), by="p", until=SOON)
    async with second.read() as tx:
        assert await tx.executions.get(ExecutionId("execution-1")) == execution()
    await first.close()
    await second.close()


async def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path, vault: Vault) -> None:
    (tmp_path / "file").touch()
    store = Store(f"sqlite:///{tmp_path}/file/bot.db", vault)
    with pytest.raises(BotError, match="cannot be made"):
        await store.own()
    await store.close()


def modes(directory: Path) -> dict[str, int]:
    """The files there and who may do what with them."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


async def test_only_the_bots_own_account_can_read_what_is_kept(
    tmp_path: Path, vault: Vault
) -> None:
    file = tmp_path / "data" / "bot.db"
    store = Store(f"sqlite:///{file}", vault)
    await store.own()
    await store.migrate()
    await put(store, "card:1", "a")
    assert modes(file.parent) == dict.fromkeys(
        ("bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"), 0o600
    )
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    await store.close()


async def test_a_database_that_others_could_read_is_made_private_when_it_is_opened(
    tmp_path: Path, vault: Vault
) -> None:
    file = tmp_path / "bot.db"
    first = Store(f"sqlite:///{file}", vault)
    await first.migrate()
    await put(first, "card:1", "a")
    for name in modes(tmp_path):
        (tmp_path / name).chmod(0o644)
    second = Store(f"sqlite:///{file}", vault)
    await second.own()
    assert set(modes(tmp_path).values()) == {0o600}
    await first.close()
    await second.close()


async def test_a_directory_named_as_the_database_is_refused_and_keeps_its_mode(
    tmp_path: Path, vault: Vault
) -> None:
    (tmp_path / "bot.db").mkdir(mode=0o755)
    store = Store(f"sqlite:///{tmp_path}/bot.db", vault)
    with pytest.raises(BotError, match="not a file"):
        await store.own()
    assert modes(tmp_path) == {"bot.db": 0o755}
    await store.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_written_to_a_file_that_was_deleted_under_the_bot(
    tmp_path: Path, vault: Vault, *, replaced: bool
) -> None:
    file, aside = tmp_path / "bot.db", tmp_path / "aside.db"
    store = Store(f"sqlite:///{file}", vault)
    await store.migrate()
    file.rename(aside)
    if replaced:
        file.touch()
    with pytest.raises(StorageFailed) as failed:
        await put(store, "card:1", "a")
    told = "another file was put in the place" if replaced else "its file was deleted"
    assert told in str(failed.value.__cause__)
    with pytest.raises(StorageFailed):
        await store.record(execution(), by="p", until=SOON)
    aside.replace(file)
    await put(store, "card:1", "a")
    await store.close()


async def leases(store: Store) -> tuple[int, int, int]:
    """How many executions, watches and messages a newcomer can claim."""
    async with store.write() as tx:
        return (
            len(await tx.executions.claim_stranded("new", NOW, SOON, 10)),
            len(await claim_watches(tx, "new", NOW, SOON)),
            len(await tx.messages.claim_due("new", NOW, SOON, 10)),
        )


async def hold(store: Store, by: str) -> None:
    """Lease one execution, watch and message."""
    await record(store, execution(), by=by)
    await put(store, "card:1", "a")
    async with store.write() as tx:
        await tx.watches.add(watch())
        await claim_watches(tx, by, NOW, LATER)
        await tx.messages.claim_due(by, NOW, LATER, 10)


async def test_the_owner_of_a_file_frees_what_the_former_one_held(
    sqlite_url: str, vault: Vault
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await hold(store, "dead")
    assert await leases(store) == (0, 0, 0)
    await store.release_leases_of_others("dead")
    assert await leases(store) == (0, 0, 0)
    await store.release_leases_of_others("new")
    assert await leases(store) == (1, 1, 1)
    await store.close()


async def test_a_process_that_stops_frees_what_it_holds_and_nothing_else(store: Store) -> None:
    await hold(store, "stopping")
    for by, free in (("living", 0), ("stopping", 1)):
        await Leases(store, SystemClock(), by).end()
        assert await leases(store) == (free, free, free)


@pytest.mark.slow
async def test_a_replica_leaves_the_leases_of_others_alone(postgres_url: str, vault: Vault) -> None:
    store = Store(postgres_url, vault)
    await store.migrate()
    await hold(store, "alive")
    await store.release_leases_of_others("new")
    assert await leases(store) == (0, 0, 0)
    await store.close()


@pytest.mark.parametrize(
    "url", ["postgresql://u:SECRET@127.0.0.1:1/d", "postgresql://u:SECRET@/d?host=/nowhere"]
)
async def test_a_database_out_of_reach_is_a_sentence(url: str, vault: Vault) -> None:
    store = Store(url, vault)
    for attempt in (store.ping, store.migrate):
        with pytest.raises(StorageFailed) as caught:
            await attempt()
        assert "SECRET" not in f"{caught.value}{caught.value.__cause__}"
    with pytest.raises(StorageFailed):
        await store.record(execution(), by="p", until=SOON)
    await store.close()


async def test_a_closed_store_takes_nothing(store: Store) -> None:
    await store.close()
    with pytest.raises(StorageFailed):
        await store.record(execution(), by="p", until=SOON)


async def test_neither_a_first_start_nor_a_backup_needs_hard_links(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    data = tmp_path / "data"
    vault = Vault.from_file(data / "key")
    store = Store(sqlite_url, vault)
    await store.migrate()
    assert await store.record(execution(), by="p", until=SOON)
    await store.close()
    back_up(data / "bot.db", data / "copy.db")
    with pytest.raises(BotError, match="exists already"):
        back_up(data / "bot.db", data / "copy.db")
    assert {file.name for file in data.iterdir()} == {"bot.db", "copy.db", "key"}
    assert {file.stat().st_mode & 0o777 for file in data.iterdir()} == {0o600}
    assert is_database(data / "copy.db")
    assert Vault.from_file(data / "key").opens(vault.encrypt({"a": "b"}))


async def test_every_way_into_the_file_is_durable_and_erases(
    sqlite_url: str, tmp_path: Path
) -> None:
    prepare(tmp_path / "data" / "bot.db")
    engines = open_engines(sqlite_url)
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    async with engines.reading() as reading, engines.writing() as writing:
        for connection in (reading, writing):
            found = {
                name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in wanted
            }
            assert found == wanted
    assert (
        await engines.run(
            lambda connection: {
                name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted
            }
        )
        == wanted
    )
    await engines.dispose()


async def test_what_begins_after_the_end_is_refused(store: Store) -> None:
    await store.close()
    for way in (store.write, store.read, store.browse):
        with pytest.raises(StorageFailed, match="is stopping"):
            async with way():
                pass
    with pytest.raises(StorageFailed, match="is stopping"):
        await store.ping()
