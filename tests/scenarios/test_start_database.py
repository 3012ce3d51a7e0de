"""The start with a database in trouble: waited for, said once, and broken off by a signal."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from sandbox.slack import Workspace
from tests.databases import begin
from tests.scenarios.stage import MANIFEST
from tests.scenarios.test_start import Process

UNREACHABLE = "database.unreachable"
KEY = Fernet.generate_key().decode()


@pytest.mark.slow
async def test_a_file_that_another_process_has_locked_is_waited_for(tmp_path: Path) -> None:
    begin(tmp_path / "bot.db")
    async with Workspace(manifest=MANIFEST) as ws:
        with closing(sqlite3.connect(tmp_path / "bot.db")) as other:
            other.execute("BEGIN EXCLUSIVE")
            bot = await Process.begin(ws, tmp_path)
            await bot.says(UNREACHABLE)
            other.rollback()
            await bot.says("socket.opened")
        assert await bot.ends(signal.SIGTERM) == 0
    assert bot.said.count(UNREACHABLE) == 1
    assert "cannot be used yet: database is locked." in bot.said
    assert "database.works" in bot.said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "cause"),
    [("127.0.0.1:9", "connection refused"), ("nobody.invalid", "its name does not resolve")],
)
@pytest.mark.parametrize("is_beside_another", [True, False])
async def test_a_server_that_is_not_there_yet_is_waited_for(
    tmp_path: Path, host: str, cause: str, is_beside_another: bool
) -> None:
    if is_beside_another:
        begin(tmp_path / "data" / "dbc-bot.db")
    async with Workspace(manifest=MANIFEST) as ws:
        url = f"postgresql://me:s3cret@{host}/x"
        bot = await Process.begin(ws, tmp_path, DATABASE_URL=url, CREDENTIAL_KEYS=KEY)
        await bot.says(UNREACHABLE)
        assert await bot.ends(signal.SIGTERM) == 0
    assert f"cannot be used yet: {cause}." in bot.said
    assert "s3cret" not in bot.said
