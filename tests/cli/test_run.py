"""Starting the bot with an invalid configuration: one clear line, no traceback."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.fernet import Fernet

from bot.__main__ import main
from storage import Store, Vault
from tests import forked, janitor
from tests.databases import begin

ROOT = Path(__file__).parents[2]
KEY = Fernet.generate_key().decode()
ENOUGH = {"SLACK_BOT_TOKEN": "xoxb-s3cret", "SLACK_APP_TOKEN": "xapp-s3cret"}


def started(tmp_path: Path, *options: str, **settings: str) -> str:
    """What `python -m bot run` prints before it gives up."""
    clean = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    done = forked.run(["run", *options], clean | janitor.inherited() | settings, tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("given", [{}, {"SLACK_BOT_TOKEN": "", "SLACK_APP_TOKEN": ""}])
def test_all_that_is_missing_is_said_at_once_and_where_it_comes_from(
    tmp_path: Path, given: dict[str, str]
) -> None:
    told = started(tmp_path, **given)
    assert "SLACK_BOT_TOKEN: it is not set. It begins with xoxb-" in told
    assert "SLACK_SIGNING_SECRET: neither it (HTTP mode) nor SLACK_APP_TOKEN" in told
    assert ".env.example" in told


def test_what_the_example_leaves_to_fill_in_is_not_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text((ROOT / ".env.example").read_text().replace("#SLACK", "SLACK"))
    told = started(tmp_path)
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        assert f"\n{name}: it is still the placeholder of the example: fill in your own." in told


def test_faults_of_the_rules_are_said_beside_those_of_the_settings(tmp_path: Path) -> None:
    told = started(tmp_path, LOG_LEVEL="loud", LANGUAGE="French", POLICY_FILE="no.toml")
    assert "Invalid configuration" in told
    for name in ("SLACK_BOT_TOKEN", "LOG_LEVEL", "POLICY_FILE"):
        assert f"\n{name}: " in told
    assert "no.toml does not exist" in told
    assert "LANGUAGE: it is no language that the bot speaks. Give en (English) or zh" in told


@pytest.mark.parametrize("command", ["run", "doctor", "keys"])
def test_no_fault_of_the_settings_hides_another(tmp_path: Path, command: str) -> None:
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nname = "a"\nmatch = { command = "vm.frobnicate", node = "gpu1" }\n'
        'approvals = "two"\ndeny = ""\n'
    )
    given = {
        "CREDENTIAL_KEYS": "nokey",
        "DATABASE_URL": "postgresql://bot:s3cret@127.0.0.1:9/bot?sslmode=sometimes",
        "POLICY_FILE": "rules.toml",
        "SLACK_BOTTOKEN": "xoxb-s3cret",
        "KEEPDAYS": "3",
    }
    clean = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    words = ["keys", "list"] if command == "keys" else [command]
    done = forked.run(words, clean | janitor.inherited() | given, tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 2
    expected = [
        "CREDENTIAL_KEYS: number 1 of 1 is not a Fernet key",
        "DATABASE_URL: it has a value of sslmode that PostgreSQL does not know.",
        "SLACK_BOTTOKEN in the environment is no setting of the bot. Did you mean SLACK_BOT_TOKEN?",
        "KEEPDAYS in the environment is no setting of the bot. Did you mean KEEP_DAYS?",
    ]
    if command != "keys":
        expected += [
            "SLACK_BOT_TOKEN: it is not set.",
            "line 3: `command` “vm.frobnicate” fits no command",
            "line 3: `node` names nodes by id, like b1a9e7…, not “gpu1”.",
            "line 4: `approvals` is a whole number",
            "line 5: `deny` must not be empty",
        ]
    for one in expected:
        assert one in told, told
    assert "s3cret" not in told
    if command == "doctor":  # which says of each line whether it is a warning
        return
    faults, warnings = told.split("Warnings, which would not keep the bot from its start:\n")
    assert "KEEPDAYS in" not in faults
    assert "CREDENTIAL_KEYS: " not in warnings


def test_http_and_health_on_one_port_are_a_fault_of_the_settings(tmp_path: Path) -> None:
    http = {"SLACK_BOT_TOKEN": "xoxb-s3cret", "SLACK_SIGNING_SECRET": "s3cret"}
    told = started(tmp_path, **http, HTTP_PORT="9464", HEALTH_PORT="9464")
    assert "HTTP_PORT: HEALTH_PORT is the same port." in told


PRESSED = """
import os, runpy, signal, sys
class Pressed:
    def find_spec(self, name, *_):
        if name == "bot.app":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Pressed())
runpy.run_module("bot", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_while_the_program_is_being_loaded_leaves_no_traceback(tmp_path: Path) -> None:
    clean = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", PRESSED, "run"],
        cwd=tmp_path, env=clean | janitor.inherited() | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (-signal.SIGINT, "")


WRONG = {
    "SLACK_BOT_TOKEN": "s3cret",
    "SLACK_APP_TOKEN": "xapp-...",
    "SLACK_API_URL": "s3cret",
    "SLASH_COMMAND": "/s3cret S3cret",
    "HTTP_HOST": "s3cret s3cret",
    "HTTP_PORT": "s3cret",
    "HEALTH_HOST": "s3cret s3cret",
    "HEALTH_PORT": "s3cret",
    "DBC_CLIENT_URLS": "http://127.0.0.1:5050,http://me:s3cret@host:x",
    "DATABASE_URL": "s3cret",
    "CREDENTIAL_KEYS": "s3cret",
    "LOG_FORMAT": "s3cret",
    "LOG_LEVEL": "s3cret",
}


def test_every_wrong_setting_has_one_sentence_and_no_value_is_shown(tmp_path: Path) -> None:
    told = started(tmp_path, **WRONG).splitlines()
    named = [line.partition(":")[0] for line in told[1:-1]]
    assert sorted(named) == sorted(WRONG)
    assert all(line.endswith(".") for line in told[1:])


@pytest.mark.parametrize("url", ["foo", "mysql://root:s3cret@db/x", "sqlite:///:memory:"])
def test_what_is_no_database_is_said_with_both_forms_that_are(tmp_path: Path, url: str) -> None:
    told = started(tmp_path, **ENOUGH, DATABASE_URL=url)
    assert "DATABASE_URL: it " in told
    assert "sqlite+aiosqlite:///data/dbc-bot.db" in told
    assert "postgresql+asyncpg://user:password@host/name" in told
    assert "CREDENTIAL_KEYS" not in told


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://me:s3cret@127.0.0.1:9/x"}, "CREDENTIAL_KEYS: it is not"),
        (
            {"DATABASE_URL": f"postgres://me:s3cret@{'a' * 64}.x/x", "CREDENTIAL_KEYS": KEY},
            "DATABASE_URL: it is not an address that the bot can use.",
        ),
        (
            {"DATABASE_URL": "sqlite:////proc", "CREDENTIAL_KEYS": KEY},
            "The database /proc cannot be used: it is not a file.",
        ),
        ({"DATABASE_URL": "sqlite:///x.db", "POLICY_FILE": "no.toml"}, "no.toml does not exist"),
    ],
)
def test_what_cannot_be_opened_is_said(
    tmp_path: Path, given: dict[str, str], sentence: str
) -> None:
    assert sentence in started(tmp_path, **ENOUGH, **given)


@pytest.mark.parametrize("is_another", [False, True], ids=["no database", "of another program"])
def test_a_file_that_is_not_ours_is_left_as_it_is(tmp_path: Path, *, is_another: bool) -> None:
    file = tmp_path / "x.db"
    if is_another:
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE cookies (host TEXT)")
    else:
        file.write_bytes(b"no database" * 1000)
    file.chmod(0o644)
    before = file.read_bytes()
    told = started(tmp_path, **ENOUGH, DATABASE_URL="sqlite:///x.db")
    assert "x.db, which is no database of this bot. Nothing in it was changed." in told
    assert file.read_bytes() == before
    assert file.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["x.db"]


def test_a_file_of_settings_that_is_no_text_is_said(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SLACK_BOT_TOKEN=\xff")
    assert ".env: it is not a text file in UTF-8." in started(tmp_path)


def kept(file: Path) -> Path:
    """A database that a bot has used."""
    begin(file)
    store = Store(f"sqlite:///{file}", Vault([KEY]))
    with asyncio.Runner() as runner:
        runner.run(store.migrate())
        runner.run(store.close())
    return file


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("sqlite:///data/dbc-bto.db", "data/dbc-bot.db"),
        ("sqlite:///dta/dbc-bot.db", "data/dbc-bot.db"),
        ("sqlite:///bot.db", "old.db"),
    ],
)
def test_an_empty_database_is_not_begun_where_another_was_used(
    tmp_path: Path, url: str, there: str
) -> None:
    kept(tmp_path / there)
    told = started(tmp_path, **ENOUGH, DATABASE_URL=url)
    assert f"where there is no database, but {there} is a database of the bot" in told
    assert "--new-database" in told
    assert not (tmp_path / url.removeprefix("sqlite:///")).exists()


def test_a_database_that_was_deleted_is_missed_by_its_key(tmp_path: Path) -> None:
    (tmp_path / "credential.key").write_text(KEY)
    told = started(tmp_path, **ENOUGH, DATABASE_URL="sqlite:///bot.db")
    assert "credential.key is the key of one" in told
    assert not (tmp_path / "bot.db").exists()


@pytest.mark.parametrize("left", ["bot.db-wal", "bot.db.lock", "bot.db.moved-20260101T000000Z"])
@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_database_that_was_lost_is_missed_by_what_is_left_of_it(
    tmp_path: Path, left: str, is_emptied: bool
) -> None:
    (tmp_path / left).touch()
    kept(tmp_path / "stray.db")  # may be anything; what was put aside of the file itself is nearer
    if "moved" not in left:
        (tmp_path / "stray.db").unlink()
    if is_emptied:
        (tmp_path / "bot.db").touch()
    begun = {"DATABASE_URL": "sqlite:///bot.db", "CREDENTIAL_KEYS": KEY}
    told = started(tmp_path, **ENOUGH, **begun)
    assert f"no database any more: {left} is left of it. " in told
    way = "python -m bot copy has moved it: let" if "moved" in left else "restore a backup"
    assert way in told
    assert is_emptied == (tmp_path / "bot.db").exists()


def test_an_emptied_database_is_missed_by_its_key_and_by_every_command(tmp_path: Path) -> None:
    file = kept(tmp_path / "bot.db")
    begun = {"DATABASE_URL": "sqlite:///bot.db"}
    (tmp_path / "credential.key").write_text(KEY)
    file.write_bytes(b"")
    assert "credential.key is the key of one" in started(tmp_path, **ENOUGH, **begun)
    for command in (["backup", "b.db"], ["keys", "list"], ["keys", "add"], ["audit", "verify"],
                    ["forget", "U0123ABCD"]):  # fmt: skip
        done = CliRunner().invoke(main, command, env={"DATABASE_URL": f"sqlite:///{file}"})
        told = f"There is no database in {file} any more: the file is empty. "
        assert (done.exit_code, told in done.output) == (1, True), done.output
    assert file.read_bytes() == b""


def test_no_new_key_is_made_beside_rows_that_need_the_one_that_is_gone(tmp_path: Path) -> None:
    file = kept(tmp_path / "bot.db")
    begun = {"DATABASE_URL": "sqlite:///bot.db"}
    told = started(tmp_path, **ENOUGH, **begun, POLICY_FILE="no.toml")
    assert "no.toml does not exist" in told  # nothing needs a key yet
    with closing(sqlite3.connect(file)) as raw, raw:
        columns = "(user, node, sealed, problem)"
        raw.execute(f"INSERT INTO dbc_sessions {columns} VALUES ('U', 'n', 'x', '')")
    for options in ((), ("--new-database",)):
        told = started(tmp_path, *options, **ENOUGH, **begun)
        assert "The key file credential.key is gone. Put it back: " in told
        assert "python -m bot keys add makes a new one" in told
        assert not (tmp_path / "credential.key").exists()


def test_a_new_database_can_be_begun_beside_another(tmp_path: Path) -> None:
    kept(tmp_path / "old.db")
    begun = {"DATABASE_URL": "sqlite:///bot.db", "POLICY_FILE": "no.toml"}
    told = started(tmp_path, "--new-database", **ENOUGH, **begun)
    assert "no.toml does not exist" in told


def test_a_start_that_failed_over_the_rules_can_be_tried_again(tmp_path: Path) -> None:
    (tmp_path / "faulty.toml").write_text("[defaults")
    begun = {"DATABASE_URL": "sqlite:///bot.db"}
    assert "faulty.toml" in started(tmp_path, **ENOUGH, **begun, POLICY_FILE="faulty.toml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["faulty.toml"]


def test_a_first_start_that_was_killed_once_it_had_a_key_can_be_tried_again(
    tmp_path: Path,
) -> None:
    begun = {"DATABASE_URL": "sqlite:///bot.db"}
    given = {
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": "http://127.0.0.1:9/",
        **begun,
    }
    clean = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    with Path(os.devnull).open("wb") as nowhere:
        env, file = clean | given | janitor.inherited(), nowhere.fileno()
        process = forked.start(["run"], env, tmp_path, file, file)
        while not (tmp_path / "credential.key").exists():
            pass
        process.kill()
        assert process.wait_here(60) == -signal.SIGKILL
    told = started(tmp_path, **ENOUGH, **begun, POLICY_FILE="no.toml")
    assert "no.toml does not exist" in told
