"""PostgreSQL behind PgBouncer that gives each transaction another server connection."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet
from sqlalchemy import make_url, text

from bot.__main__ import main
from bot.cli import postgres_restore
from bot.ids import new_id
from storage import Archive, Store, Vault, fingerprint
from storage.engine import open_engines
from tests.storage.samples import HERE, NOW, SOON, execution

CONFIGURATION = """
[databases]
{name} = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""


@pytest.fixture
def pooled_url(postgres_url: str) -> Iterator[str]:
    """The address of a pooler before an empty database."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("there is no PgBouncer here")
    behind = make_url(postgres_url)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as directory:
        file = Path(directory) / "pgbouncer.ini"
        host = behind.query["host"]
        file.write_text(CONFIGURATION.format(name=behind.database, host=host, port=port))
        file.parent.chmod(0o755)
        # It refuses to run as root, and only the server's own account reaches its socket.
        server = subprocess.Popen(
            [program, str(file)],
            user=Path(str(host)).owner() if os.geteuid() == 0 else None,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stderr is not None
            while "process up" not in (said := server.stderr.readline()):
                assert said, "PgBouncer has ended"
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/{behind.database}"
        finally:
            server.terminate()
            server.communicate()


async def test_many_replicas_work_behind_a_pooler(pooled_url: str, vault: Vault) -> None:
    replicas = [Store(pooled_url, vault) for _ in range(3)]
    for replica in replicas:
        await replica.migrate()

    async def work(number: int) -> None:
        store = replicas[number % 3]
        for turn in range(5):
            async with store.write() as tx:
                await tx.messages.put(f"card:{number}", HERE, str(turn), NOW)
            async with store.read() as tx:
                assert await tx.messages.find(f"card:{number}")
        assert await store.record(execution(str(number)), by="p", until=SOON)

    await asyncio.gather(*(work(number) for number in range(12)))
    archive = Archive(pooled_url)
    fault, head = await archive.verify()
    assert (fault, head.seq) == (None, 12)
    await archive.close()
    for replica in replicas:
        await replica.close()


async def test_one_process_after_the_other_works_behind_a_pooler(
    pooled_url: str, vault: Vault
) -> None:
    for number in range(3):
        store = Store(pooled_url, vault)
        await store.migrate()
        async with store.write() as tx:
            await tx.messages.put(f"card:{number}", HERE, "text", NOW)
        await store.close()
    env = {"DATABASE_URL": pooled_url, "CREDENTIAL_KEYS": (key := Fernet.generate_key().decode())}
    done = await asyncio.to_thread(CliRunner().invoke, main, ["keys", "list"], env=env)
    assert done.stdout == f"{fingerprint(key)}  0 rows  (encrypts)\n"  # nothing that is logged
    looking = open_engines(pooled_url)
    async with looking.reading() as connection:
        assert looking.is_pooled
        left = text("SELECT name FROM pg_prepared_statements WHERE name <> ''")
        assert (await connection.execute(left)).all() == []
    await looking.dispose()


async def test_what_a_pooler_refuses_is_told_in_its_words(pooled_url: str) -> None:
    there = make_url(pooled_url).set(database="nothing")
    settings = {
        "DATABASE_URL": there.render_as_string(hide_password=False),
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
    }
    done = await asyncio.to_thread(CliRunner().invoke, main, ["keys", "list"], env=settings)
    assert "cannot be used: a pooler refuses: bouncer config error" in done.output


async def test_whoever_finds_prepared_statements_gone_prepares_none_any_more(
    postgres_url: str,
) -> None:
    engines, same = open_engines(postgres_url), text("SELECT 1")
    async with engines.writing() as connection:
        await connection.execute(same)
        await connection.execute(text("DEALLOCATE ALL"))  # as a pooler that gives another one
    assert not engines.is_pooled
    async with engines.writing() as connection:
        assert await connection.scalar(same) == 1
    assert engines.is_pooled
    await engines.dispose()


@pytest.mark.parametrize("lives", [False, True])
async def test_a_restore_tells_living_bots_from_the_connections_that_a_pooler_keeps(
    pooled_url: str, lives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Fernet.generate_key().decode()
    store = Store(pooled_url, Vault([key]))
    await store.migrate()
    await _writes(store)
    env = {"DATABASE_URL": pooled_url, "CREDENTIAL_KEYS": key}
    monkeypatch.setattr(
        postgres_restore, "SILENCE", 20.0 if lives else 1.0
    )  # seconds; it ends at the first
    restoring = asyncio.create_task(
        asyncio.to_thread(CliRunner().invoke, main, ["restore", "--yes"], env=env)
    )
    while lives and not restoring.done():
        await _writes(store)
        await asyncio.wait({restoring}, timeout=0.1)  # a living bot writes all the time
    done = await restoring
    await store.close()
    assert done.exit_code == int(lives), done.output
    assert ("a bot has just written there" in done.output) is lives


async def _writes(store: Store) -> None:
    async with store.write() as tx:
        await tx.probe.write(new_id())
