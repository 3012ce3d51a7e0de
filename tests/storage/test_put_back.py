"""A backup that PostgreSQL's own tools have put back: nothing that was open in it is sent again."""

import asyncio
from pathlib import Path

import asyncpg
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bot.__main__ import main
from bot.model import ApprovalStatus, AuditKind, ExecutionStatus
from storage import Store, Vault
from tests.storage.samples import approval, execution, record
from tests.storage.trail import rows


async def waits(url: str, vault: Vault) -> None:
    """Something waits, as the dump has it."""
    store = Store(url, vault)
    await store.migrate()
    await record(store, execution(status=ExecutionStatus.WAITING))
    async with store.write() as tx:
        await tx.approvals.add(approval())
    await store.close()


async def stands(url: str, vault: Vault) -> tuple[list[object], list[object], list[object]]:
    store = Store(url, vault)
    async with store.read() as tx:
        found = [one.status for one in await tx.executions.unfinished()]
        asked = await tx.approvals.get(approval().id)
    kinds = [row.entry.kind for row in await rows(store)]
    await store.close()
    return [*found], [asked.status], [*kinds]


def test_after_pg_restore_nothing_that_waited_is_sent(postgres_url: str, tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    asyncio.run(waits(postgres_url, vault))
    env = {"DATABASE_URL": postgres_url, "CREDENTIAL_KEYS": key}
    asked_first = CliRunner().invoke(main, ["restore"], env=env, input="n\n")
    assert "Has pg_restore just put it back?" in asked_first.output
    assert asyncio.run(stands(postgres_url, vault))[1] == [ApprovalStatus.PENDING]
    done = CliRunner().invoke(main, ["restore", "--yes"], env=env)
    assert done.exit_code == 0, done.output
    assert "the bot sends none of them" in done.output
    running, asked, kinds = asyncio.run(stands(postgres_url, vault))
    assert running == [ExecutionStatus.RUNNING]  # it is only looked for at DBC
    assert asked == [ApprovalStatus.VOID]
    assert AuditKind.RESTORED in kinds


def test_nothing_is_ended_under_a_bot_that_runs(postgres_url: str) -> None:
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    asyncio.run(waits(postgres_url, vault))
    env = {"DATABASE_URL": postgres_url, "CREDENTIAL_KEYS": key}

    async def restored() -> Result:
        named = {"application_name": "dbc-bot another"}
        running = await asyncpg.connect(postgres_url, server_settings=named)
        try:
            return await asyncio.to_thread(CliRunner().invoke, main, ["restore", "--yes"], env=env)
        finally:
            await running.close()

    done = asyncio.run(restored())
    assert done.exit_code == 1
    assert "The database is in use by 1 process of the bot." in done.output
    assert asyncio.run(stands(postgres_url, vault))[1] == [ApprovalStatus.PENDING]


def test_with_sqlite_the_backup_has_to_be_named(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/bot.db"}
    done = CliRunner().invoke(main, ["restore"], env=env)
    assert done.exit_code == 2
    assert "Missing argument 'FILE'" in done.output
