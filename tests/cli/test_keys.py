"""`python -m bot keys`, on a database beside which a bot is running."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.__main__ import main
from bot.ids import NodeId, UserId
from storage import Store, Vault, fingerprint, keys_in
from tests.storage.samples import session


class Running:
    """A store that is open with its keys in a file, as a running bot has it."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "bot.db"
        self.key_file = directory / "credential.key"
        self.runner = asyncio.Runner()
        self.store = Store(f"sqlite:///{self.file}", Vault.from_file(self.key_file))
        self.does(self.store.own())
        self.does(self.store.migrate())

    def does(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    async def keeps(self, user: str) -> None:
        async with self.store.write() as tx:
            await tx.sessions.put(session(user))

    async def reads(self, user: str) -> str:
        async with self.store.read() as tx:
            found = await tx.sessions.find(UserId(user), NodeId("node-1"))
        assert found is not None
        return "locked" if found.is_locked else found.session_id


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    yield one
    one.does(one.store.close())
    one.runner.close()


@pytest.fixture
def keys(bot: Running) -> Callable[..., Result]:
    def run(*arguments: str, **settings: str) -> Result:
        env = {"DATABASE_URL": f"sqlite:///{bot.file}", "CREDENTIAL_KEYS": "", **settings}
        done = CliRunner().invoke(main, ["keys", *arguments], env=env)
        assert not any(key in done.output for key in keys_in(bot.key_file))
        return done

    return run


def test_a_key_is_exchanged_while_the_bot_runs(bot: Running, keys: Callable[..., Result]) -> None:
    old = fingerprint(keys_in(bot.key_file)[0])
    bot.does(bot.keeps("U1"))
    assert keys("add").exit_code == 0
    new = fingerprint(keys_in(bot.key_file)[0])
    with capture_logs() as logged:
        bot.does(bot.keeps("U2"))  # the running bot encrypts under the new key from now on
    [told] = [one for one in logged if one["event"] == "keys.read_again"]
    assert (told["encrypts"], told["keys"]) == (new, [new, old])
    assert keys("list").output.splitlines() == [f"{new}  1 row  (encrypts)", f"{old}  1 row"]
    assert f"Encrypted 2 rows under {new}" in keys("rotate").output
    [retired] = [key for key in keys_in(bot.key_file) if fingerprint(key) == old]
    done = keys("retire", old)
    kept = bot.key_file.with_name(f"credential.key.retired-{old}")
    assert f"It is kept in {kept}: backups from before the rotation need it." in done.output
    assert (keys_in(kept), kept.stat().st_mode & 0o777) == ([retired], 0o600)
    assert keys("list").output.splitlines() == [f"{new}  2 rows  (encrypts)"]
    bot.does(bot.keeps("U3"))
    assert [bot.does(bot.reads(user)) for user in ("U1", "U2", "U3")] == ["SECRET-ID"] * 3
    assert bot.key_file.stat().st_mode & 0o777 == 0o600
    assert not list(bot.file.parent.glob(".credential*"))


def test_a_key_that_a_row_needs_is_not_retired(bot: Running, keys: Callable[..., Result]) -> None:
    old = keys_in(bot.key_file)[0]
    bot.does(bot.keeps("U1"))
    keys("add")
    done = keys("retire", fingerprint(old))
    assert (done.exit_code, "1 row still encrypted" in done.output) == (1, True)
    assert old in keys_in(bot.key_file)


def test_the_key_that_encrypts_is_not_retired(bot: Running, keys: Callable[..., Result]) -> None:
    done = keys("retire", fingerprint(keys_in(bot.key_file)[0]))
    assert (done.exit_code, "Add another one first" in done.output) == (1, True)
    assert keys("retire", "00000000").exit_code == 1


def test_rows_that_no_key_opens_are_counted(bot: Running, keys: Callable[..., Result]) -> None:
    bot.does(bot.keeps("U1"))
    bot.key_file.write_text(Fernet.generate_key().decode())
    done = keys("list")
    assert (done.exit_code, "No key opens 1 row." in done.output) == (1, True)


def test_rows_that_no_key_opens_are_no_success_of_a_rotation(
    bot: Running, keys: Callable[..., Result]
) -> None:
    bot.does(bot.keeps("U1"))
    bot.key_file.write_text(Fernet.generate_key().decode())
    done = keys("rotate")
    told = "1 row stays as it is: no key opens it. Put the former key back at the end of"
    assert (done.exit_code, told in done.output, "Encrypted" in done.output) == (1, True, False)
    bot.does(bot.keeps("U2"))
    done = keys("rotate")
    assert (done.exit_code, told in done.output, "Encrypted 1 row" in done.output) == (
        1, True, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "told"),
    [("of_tomorrow", "A newer version of the bot has used"), ("0001", "start the bot once")],
)
def test_another_versions_database_is_changed_by_no_rotation(
    bot: Running, keys: Callable[..., Result], schema: str, told: str
) -> None:
    bot.does(bot.keeps("U1"))
    [old] = keys_in(bot.key_file)
    keys("add")
    with closing(sqlite3.connect(bot.file)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        before = raw.execute("SELECT sealed FROM dbc_sessions").fetchall()
    for arguments in (["rotate"], ["retire", fingerprint(old)]):
        done = keys(*arguments)
        assert (done.exit_code, told in done.output) == (1, True), done.output
    with closing(sqlite3.connect(bot.file)) as raw:
        assert raw.execute("SELECT sealed FROM dbc_sessions").fetchall() == before
    assert old in keys_in(bot.key_file)


def test_a_faulty_key_file_is_a_sentence_and_stays_and_the_running_bot_goes_on(
    bot: Running, keys: Callable[..., Result]
) -> None:
    bot.does(bot.keeps("U1"))
    whole = bot.key_file.read_text()
    bot.key_file.write_text("not a key")
    for arguments in (["list"], ["add"], ["rotate"], ["retire", "00000000"]):
        done = CliRunner().invoke(
            main, ["keys", *arguments], env={"DATABASE_URL": f"sqlite:///{bot.file}"}
        )
        assert (done.exit_code, "is not a Fernet key" in done.output) == (1, True)
    assert bot.key_file.read_text() == "not a key"
    bot.does(bot.keeps("U2"))
    assert bot.does(bot.reads("U1")) == "SECRET-ID"
    bot.key_file.write_text(whole)
    assert bot.does(bot.reads("U2")) == "SECRET-ID"


def test_keys_of_the_settings_are_changed_there(bot: Running, keys: Callable[..., Result]) -> None:
    bot.does(bot.keeps("U1"))
    old, new = keys_in(bot.key_file)[0], Fernet.generate_key().decode()
    made = CliRunner().invoke(
        main, ["keys", "add"], env={"DATABASE_URL": f"sqlite:///{bot.file}", "CREDENTIAL_KEYS": old}
    )
    assert "in front of CREDENTIAL_KEYS" in made.output
    Fernet(made.output.splitlines()[-1])
    both = {"CREDENTIAL_KEYS": f"{new},{old}"}
    unanswered = keys("rotate", **both)  # nobody has said that every bot knows it
    assert (unanswered.exit_code, "add --yes" in unanswered.output) == (1, True)
    assert keys("rotate", "--yes", **both).exit_code == 0
    assert "Take it out of CREDENTIAL_KEYS" in keys("retire", fingerprint(old), **both).output
    assert bot.does(bot.reads("U1")) == "locked"


def test_the_place_of_the_keys_is_said_wherever_they_are(
    bot: Running, keys: Callable[..., Result], tmp_path: Path
) -> None:
    bot.does(bot.keeps("U1"))
    [old] = keys_in(bot.key_file)
    (tmp_path / "keys").write_text(other := Fernet.generate_key().decode())
    there = {"CREDENTIAL_KEYS_FILE": str(tmp_path / "keys")}
    where = "CREDENTIAL_KEYS is in the file that CREDENTIAL_KEYS_FILE names."
    lost = keys("list", **there).output
    assert "Put the former key back at the end of CREDENTIAL_KEYS; whose" in lost
    assert lost.count(where) == 1
    made = CliRunner().invoke(main, ["keys", "add"], env={"CREDENTIAL_KEYS": ""} | there | {
        "DATABASE_URL": f"sqlite:///{bot.file}"
    })  # fmt: skip
    assert where in made.output
    (tmp_path / "keys").write_text(f"{old},{other}")
    assert where in keys("retire", fingerprint(other), **there).output
    (tmp_path / "keys").unlink()
    (tmp_path / "CREDENTIAL_KEYS").write_text(other)
    told = keys("list", CREDENTIALS_DIRECTORY=str(tmp_path)).output
    assert "CREDENTIAL_KEYS is the file CREDENTIAL_KEYS in CREDENTIALS_DIRECTORY." in told
    bot.key_file.write_text(other)
    told = keys("list").output
    assert "Put the former key back at the end of the key file credential.key; whose" in told


def test_the_first_key_needs_neither_a_database_nor_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    postgres = {"DATABASE_URL": "postgresql://bot@127.0.0.1:9/bot", "CREDENTIAL_KEYS": ""}
    told = CliRunner().invoke(main, ["keys", "list"], env=postgres).output
    assert "python -m bot keys new" in told
    for env in ({}, postgres, {"CREDENTIAL_KEYS": "faulty"}):
        done = CliRunner().invoke(main, ["keys", "new"], env=env)
        assert done.exit_code == 0
        Fernet(done.output.strip())
    assert list(tmp_path.iterdir()) == []


def test_without_a_database_no_key_is_made(tmp_path: Path) -> None:
    for arguments in (["list"], ["add"], ["rotate"]):
        done = CliRunner().invoke(
            main, ["keys", *arguments], env={"DATABASE_URL": f"sqlite:///{tmp_path}/no.db"}
        )
        assert (done.exit_code, "There is no database" in done.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("list",), ("rotate",), ("retire", "abcd1234")])
def test_a_key_file_that_is_gone_is_told_and_no_other_one_made(
    bot: Running, keys: Callable[..., Result], command: tuple[str, ...]
) -> None:
    bot.does(bot.keeps("U1"))
    kept = bot.key_file.read_text()
    bot.key_file.unlink()
    env = {"DATABASE_URL": f"sqlite:///{bot.file}", "CREDENTIAL_KEYS": ""}
    done = CliRunner().invoke(main, ["keys", *command], env=env)
    assert done.exit_code == 1
    assert f"The key file {bot.key_file} is gone. Put it back" in done.output
    if command == ("list",):
        made = CliRunner().invoke(main, ["keys", "add"], env=env)
        assert (
            f"Made {bot.key_file} with the key {fingerprint(*keys_in(bot.key_file))}."
            in made.output
        )
        bot.key_file.unlink()
    assert not bot.key_file.exists()
    forgotten = CliRunner().invoke(main, ["forget", "U1"], env=env)  # needs no key
    assert "1 session" in forgotten.output
    assert not bot.key_file.exists()
    bot.key_file.write_text(kept)
    assert keys("list").exit_code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_keys_that_an_administrator_writes_stay_the_bot_s(
    bot: Running, keys: Callable[..., Result]
) -> None:
    os.chown(bot.key_file, 65534, 65534)
    old = fingerprint(keys_in(bot.key_file)[0])
    for command in (["add"], ["rotate"], ["retire", old]):
        assert keys(*command).exit_code == 0
    for file in (bot.key_file, bot.key_file.with_name(f"credential.key.retired-{old}")):
        found = file.stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65534, 65534, 0o600)
