"""The journal that a killed bot has left, beside a file that was put in the place of its own."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bot.__main__ import main
from storage import Archive, Store, Vault
from storage.journal import is_own_journal
from tests import forked, janitor
from tests.cli.test_run import ENOUGH, started
from tests.databases import begin
from tests.small_disk import said
from tests.storage.samples import NOW, execution

KEY = Fernet.generate_key().decode()
_PAGE = 4096


class Bot:
    """A bot that writes, and what is on its disk at any moment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.file = home / "data" / "bot.db"
        begin(self.file)
        self.runner = asyncio.Runner()
        self.store = Store(f"sqlite+aiosqlite:///{self.file}", Vault([KEY]))
        self.runner.run(self.store.own())
        self.runner.run(self.store.migrate())

    def writes(self, *names: str) -> None:
        for name in names:
            self.runner.run(self.store.record(execution(name), by="p", until=NOW))

    def moves_its_journal(self) -> None:
        """As it does every 30 s."""
        self.runner.run(self.store.try_writing())

    def killed(self, name: str) -> Path:
        """The database of a bot that was killed at this moment, elsewhere."""
        there = self.home / name / "bot.db"
        there.parent.mkdir()
        for end in ("", "-wal"):
            shutil.copyfile(f"{self.file}{end}", f"{there}{end}")
        return there

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    one = Bot(tmp_path)
    yield one
    one.close()


def run(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, arguments, env={"DATABASE_URL": f"sqlite+aiosqlite:///{file}", "CREDENTIAL_KEYS": KEY}
    )


def backup_of_one_row(bot: Bot, folder: Path) -> Path:
    backup = folder / "backup.db"
    bot.writes("1")
    assert run(bot.file, "backup", str(backup)).exit_code == 0
    return backup


def rows_of(file: Path) -> int:
    async def verified() -> int:
        archive = Archive(f"sqlite+aiosqlite:///{file}")
        fault, head = await archive.verify()
        await archive.close()
        assert fault is None
        return head.seq

    return asyncio.run(verified())


def require_refused(file: Path, home: Path) -> None:
    """Every way into the database refuses it, and leaves all as it is."""
    before = [path.read_bytes() for path in (file, Path(f"{file}-wal"))]
    told = f"{file}-wal is not the journal of {file}"
    assert told in started(
        home, **ENOUGH, DATABASE_URL=f"sqlite+aiosqlite:///{file}", CREDENTIAL_KEYS=KEY
    )
    for command in (["backup", str(home / "new.db")], ["audit", "verify"], ["keys", "list"]):
        done = run(file, *command)
        assert (done.exit_code, told in done.output) == (1, True), done.output
    nowhere = {"DATABASE_URL": "postgresql+asyncpg://x:y@127.0.0.1:1/z", "CREDENTIAL_KEYS": KEY}
    done = CliRunner().invoke(main, ["copy", str(file)], env=nowhere)
    assert (done.exit_code, told in done.output) == (1, True), done.output
    assert [path.read_bytes() for path in (file, Path(f"{file}-wal"))] == before


def settings(file: Path) -> dict[str, str]:
    """All that a start needs but a Slack that answers."""
    url = f"sqlite+aiosqlite:///{file}"
    given = {**ENOUGH, "DATABASE_URL": url, "CREDENTIAL_KEYS": KEY, "PATH": os.environ["PATH"]}
    return given | janitor.inherited() | {"SLACK_API_URL": "http://127.0.0.1:9/"}


def require_in_use(file: Path, home: Path) -> None:
    """A start waits for whoever uses the file to end, as its exit code says."""
    ended = forked.run(["run"], settings(file), home)
    told = f"Another process of the bot is using {file}" in ended.stderr
    assert (ended.returncode, told) == (4, True), ended.stderr


def test_a_journal_that_was_left_is_not_mixed_into_a_backup_that_was_copied_there(
    bot: Bot, tmp_path: Path
) -> None:
    backup = backup_of_one_row(bot, tmp_path)
    bot.writes("2", "3")
    file = bot.killed("killed")
    shutil.copyfile(backup, file)
    require_refused(file, tmp_path)
    done = run(file, "restore", str(backup))
    assert done.exit_code == 0, done.output
    assert rows_of(file) == 2  # and that it was restored
    (former,) = file.parent.glob("bot.db.before-*Z")
    assert former.read_bytes() == backup.read_bytes()
    assert [one.name for one in file.parent.glob("*-wal")] == [f"{former.name}.other-wal"]


def test_a_journal_that_was_left_is_not_mixed_into_an_older_copy_of_the_file(
    bot: Bot, tmp_path: Path
) -> None:
    bot.writes("1")
    bot.moves_its_journal()
    older = tmp_path / "older.db"
    shutil.copyfile(bot.file, older)
    bot.writes("2")
    bot.moves_its_journal()
    bot.writes("3")
    file, sound = bot.killed("killed"), bot.killed("sound")
    shutil.copyfile(older, file)
    require_refused(file, tmp_path)
    assert rows_of(sound) == 3
    for end in ("-wal", "-shm"):
        Path(f"{file}{end}").unlink(missing_ok=True)
    assert rows_of(file) == 1


def test_a_bot_that_was_killed_while_it_moved_its_journal_goes_on_with_it(bot: Bot) -> None:
    bot.writes("1")
    bot.moves_its_journal()
    bot.writes("2", "3")
    file = bot.killed("killed")
    before = file.read_bytes()
    bot.moves_its_journal()
    after = bot.file.read_bytes()
    assert before != after
    for moved in range(0, len(after) + 1, _PAGE):
        file.write_bytes(after[:moved] + before[moved:])
        assert is_own_journal(file), moved
    file.write_bytes(after[:_PAGE] + before[_PAGE:])
    assert rows_of(file) == 3


def test_a_journal_of_which_the_first_page_was_half_written_holds_up_nobody(bot: Bot) -> None:
    bot.writes("1")
    bot.moves_its_journal()
    bot.writes("2")
    file = bot.killed("killed")
    journal = Path(f"{file}-wal")
    whole = journal.read_bytes()
    journal.write_bytes(whole[:100] + bytes(len(whole) - 100))
    assert rows_of(file) == 1


def test_nothing_is_mixed_into_a_file_that_was_put_in_the_place_of_the_running_bot_s(
    bot: Bot, tmp_path: Path
) -> None:
    backup = backup_of_one_row(bot, tmp_path)
    bot.writes("2")
    own = bot.file.rename(tmp_path / "own.db")
    before = backup.read_bytes()
    backup.rename(bot.file)
    for command in (["backup", str(tmp_path / "new.db")], ["audit", "verify"], ["keys", "list"]):
        done = run(bot.file, *command)
        told = f"Another file was put in the place of {bot.file} under the running bot."
        assert (done.exit_code, told in done.output) == (1, True), done.output
    require_in_use(bot.file, tmp_path)
    assert bot.file.read_bytes() == before
    own.rename(bot.file)
    bot.writes("3")
    assert rows_of(bot.file) == 3


def test_what_a_bot_has_noted_says_nothing_of_an_older_version_that_runs_after_it(
    tmp_path: Path,
) -> None:
    bot = Bot(tmp_path)
    backup = backup_of_one_row(bot, tmp_path)
    bot.close()
    env = settings(bot.file)
    lock = Path(f"{bot.file}.lock")
    lock.unlink()
    with Path(os.devnull).open("wb") as nowhere:
        killed = forked.start(["run"], env, tmp_path, nowhere.fileno(), nowhere.fileno())
        while not lock.exists() or not lock.read_text().startswith(f"{bot.file.stat().st_ino} "):
            os.kill(killed.pid, 0)  # it lives
        killed.kill()
        killed.wait_here(60)
    for journal in ("-wal", "-shm"):
        Path(f"{bot.file}{journal}").unlink(missing_ok=True)
    backup.replace(bot.file)
    with lock.open("ab") as held:  # an older version notes nothing
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        done = run(bot.file, "backup", str(tmp_path / "new.db"))
        assert done.exit_code == 0, done.output
        require_in_use(bot.file, tmp_path)


OTHER_BOT = """
mkdir elsewhere; mount -t tmpfs none elsewhere || exit 99; touch bot.db.lock
number=$(stat -c %i bot.db.lock)
until touch elsewhere/$((n+=1)); [ $(stat -c %i elsewhere/$n) -ge $number ]; do :; done
[ $(stat -c %i elsewhere/$n) = $number ] || exit 99
exec flock -n elsewhere/$n timeout 50 "$@"
"""


@pytest.mark.slow
def test_a_bot_on_another_disk_is_not_taken_for_one_that_uses_the_file(
    bot: Bot, tmp_path: Path
) -> None:
    backup = backup_of_one_row(bot, tmp_path)
    bot.writes("2")
    file = bot.killed("killed")
    shutil.copyfile(backup, file)
    disk = tmp_path / "disk"
    code, told = said(disk, file.parent, OTHER_BOT.strip(), "audit", "verify")
    assert (code, f"is not the journal of {disk}/bot.db" in told) == (1, True), told


def test_a_look_at_the_database_in_the_bot_s_own_process_ends_no_lock_of_it(
    bot: Bot, tmp_path: Path
) -> None:
    bot.writes("1")
    Path(f"{bot.file}.lock").unlink()  # somebody took it for a stale one
    assert run(bot.file, "audit", "verify").exit_code == 0  # in this process, as `/dbc doctor`
    assert forked.run(["audit", "verify"], settings(bot.file), tmp_path).returncode == 0
    bot.writes("2")
    assert rows_of(bot.killed("killed")) == 2
