"""The SQLite file is changed by somebody else under the running bot: nothing is written on."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from storage import back_up, restore
from tests.clocks import unwaited
from tests.scenarios.stage import Stage
from tests.scenarios.test_readiness import ready

HERE = "under the running bot"
RESTORE = "Stop the bot and restore a backup: python -m bot restore FILE"
PUT_BACK = "Put the former file back; where it is lost, stop the bot and restore a backup"


def _emptied(file: Path, _old: Path) -> None:
    os.truncate(file, 0)


def _cut_short(file: Path, _old: Path) -> None:
    os.truncate(file, file.stat().st_size // 4096 // 2 * 4096)


def _overwritten(file: Path, old: Path) -> None:
    shutil.copyfile(old, file)


def _replaced(file: Path, old: Path) -> None:
    old.replace(file)


def _deleted(file: Path, _old: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_emptied, f"its file was emptied {HERE}. {RESTORE}"),
        (_cut_short, f"its file was cut short {HERE}. {RESTORE}"),
        (_overwritten, f"its file was overwritten {HERE}. {RESTORE}"),
        (_replaced, f"another file was put in the place of its own {HERE}. {PUT_BACK}"),
        (_deleted, f"its file was deleted {HERE}. {PUT_BACK}"),
    ],
)  # fmt: skip
async def test_a_file_that_somebody_else_has_changed_is_told_and_not_written(
    change: Callable[[Path, Path], None], told: str, stage: Stage, tmp_path: Path
) -> None:
    file, old, backup = stage.data / "bot.db", tmp_path / "old.db", tmp_path / "backup.db"
    for copy in (old, backup):
        back_up(file, copy)
    await stage.passes(60)
    assert ready(stage) == "ok\n"
    change(file, old)
    stage.ws.core.dispatcher.ack_seconds = 0.5  # Slack is not told that it was taken
    before = file.read_bytes() if file.exists() else b""
    name = await stage.asks(stage.alice, "/dbc vm name inference renamed")
    assert "The bot's database could not be read or written." in name.plain
    await stage.passes(5)
    assert f"The bot's database could not be read or written: {told}" in ready(stage)
    assert (file.read_bytes() if file.exists() else b"") == before
    await unwaited(stage.bot.stop())
    restore(backup, file, stage.machine.now())
    await stage.restart_bot()
    assert ready(stage) == "ok\n"


def _fill(raw: sqlite3.Connection, rows: int) -> None:
    raw.execute("BEGIN")
    for number in range(rows):
        node = f"{number} " * 500
        raw.execute(
            "INSERT INTO defaults (scope, id, node) VALUES ('nobody', ?, ?)", (number, node)
        )
    raw.execute("COMMIT")


async def test_what_other_commands_of_the_bot_write_spoils_nothing(stage: Stage) -> None:
    file = stage.data / "bot.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        _fill(raw, 100)
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await stage.passes(60)
        size = file.stat().st_size
        raw.execute("DELETE FROM defaults WHERE scope = 'nobody'")
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _fill(raw, 10)  # in the journal: the file is shorter than what is in the database
    assert file.stat().st_size < size
    file.chmod(0o600)
    await stage.passes(5, times=8)
    assert ready(stage) == "ok\n"


async def test_a_file_that_is_put_back_is_used_again(stage: Stage) -> None:
    file = stage.data / "bot.db"
    aside = file.rename(stage.data / "aside.db")
    await stage.passes(5)
    assert "its file was deleted under the running bot" in ready(stage)
    aside.rename(file)
    await stage.passes(5, times=7)
    assert ready(stage) == "ok\n"
