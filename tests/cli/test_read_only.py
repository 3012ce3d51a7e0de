"""A database that this account may read but not write: every command says just that."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests import forked, janitor
from tests.cli.test_run import ENOUGH, kept

ROOT = Path(__file__).parents[2]
NOBODY = 65534
# Gives up root's rights once all is loaded: the interpreter may be where only root reads.
COMMAND = """
import encodings.idna, os, sys
from bot.__main__ import main
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
main(sys.argv[1:])
"""
# The driver's threads are slow to end, and the process lives on for long enough to hear of it.
LINGERING = """
import atexit, time, aiosqlite
stop = aiosqlite.Connection.stop
def stop_late(self):
    self._tx.put_nowait((None, lambda: time.sleep(0.02)))
    return stop(self)
aiosqlite.Connection.stop = stop_late
atexit.register(time.sleep, 0.2)
"""


@pytest.fixture
def file() -> Iterator[Path]:
    """A bot's database, in a directory that others can read as well."""
    directory = Path(tempfile.mkdtemp())
    found = kept(directory / "bot.db")
    found.chmod(0o444)
    directory.chmod(0o555)
    yield found
    directory.chmod(0o755)
    shutil.rmtree(directory)


def given(file: Path) -> dict[str, str]:
    """The environment of a command on this database."""
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    settings = {
        **ENOUGH, "PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{file}",
        "CREDENTIAL_KEYS": Fernet.generate_key().decode(), "SLACK_API_URL": "http://127.0.0.1:9/",
        "DBC_CLIENT_URLS": "http://127.0.0.1:9", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    return clean | janitor.inherited() | settings


def ended(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    """The exit code of a command, and what it prints."""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def said(file: Path, *arguments: str) -> tuple[int, str]:
    """The exit code of a command run as an account that may not write, and what it prints."""
    account = NOBODY if os.geteuid() == 0 else None
    return ended(forked.run(arguments, given(file), Path("/"), account=account))


MAY_NOT = "this account may not write to the file or its directory"


@pytest.mark.slow
@pytest.mark.parametrize("command", [["keys", "list"], ["audit", "verify"], ["backup", "copy.db"]])
def test_commands_say_who_may_not_write(file: Path, command: list[str]) -> None:
    target = [str(Path(tempfile.gettempdir()) / one) if "." in one else one for one in command]
    code, told = said(file, *target)
    assert (code, MAY_NOT in told) == (1, True), told
    assert "Try again" not in told
    assert "no database" not in told


def test_the_start_says_it_of_the_file_that_is_there(file: Path) -> None:
    code, told = said(file, "run")
    assert code == 2
    assert "cannot be used: this account may not write to it." in told
    assert "cannot be made" not in told


@pytest.mark.slow
def test_the_doctor_says_it_and_goes_on_to_the_daemons(file: Path) -> None:
    code, told = said(file, "doctor")
    assert code == 2
    assert f"It cannot be used: {MAY_NOT}." in told
    assert "✘ DBC 127.0.0.1:9:" in told


@pytest.mark.slow
def test_what_may_not_be_read_at_all_is_a_sentence(file: Path) -> None:
    file.parent.chmod(0o700 if os.geteuid() == 0 else 0o000)
    code, told = said(file, "keys", "list")
    assert (code, "This account may not use" in told) == (1, True), told
    assert said(file, "run")[0] == 2  # systemd leaves it alone


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has files that are another account's")
def test_a_file_of_another_account_is_told_as_that(file: Path) -> None:
    file.chmod(0o600)
    file.parent.chmod(0o755)
    code, told = said(file, "doctor")
    assert f"It cannot be used: {MAY_NOT}. Run this as the account that owns the file" in told
    assert (code, "no bot has it open" in told) == (2, False)
    for command in (["audit", "verify"], ["backup", "/dev/shm/copy.db"]):
        code, told = said(file, *command)
        assert (code, MAY_NOT in told, "unable to open" in told) == (1, True, False), told


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="Only root has files that are another account's")
def test_a_thread_that_ends_late_prints_no_traceback(file: Path) -> None:
    file.chmod(0o600)
    file.parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", LINGERING + COMMAND, "audit", "verify"],
        cwd="/", env=given(file), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    code, printed = ended(done)
    assert (code, MAY_NOT in printed) == (1, True), printed
