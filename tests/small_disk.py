"""A disk of its own for one process and its children, which is full or takes nothing."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests import janitor
from tests.cli.test_run import ENOUGH

ROOT = Path(__file__).parents[1]
_KEY = Fernet.generate_key().decode()


@cache
def _can_mount() -> bool:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    )


def said(
    disk: Path, content: Path, prepared: str, *arguments: str, until: str = ""
) -> tuple[int, str]:
    """The exit code of a command of the bot, and what it prints, with `content` on the disk.

    The disk of 2 MiB is at `disk` for the command alone. `prepared` is what the shell does to it.
    What would go on for ever is ended once it has said what is waited for.
    """
    if not _can_mount():
        pytest.skip("only root mounts a disk of its own, where it may")
    disk.mkdir(exist_ok=True)
    script = (
        f"mount -t tmpfs -o size=2m none {disk} || exit 99; cp -r {content}/. {disk}; cd {disk}; "
        f'{prepared}; exec timeout 60 "$@"'
    )
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    given = {
        **ENOUGH, "PYTHONPATH": str(ROOT), "DATABASE_URL": f"sqlite:///{disk}/bot.db",
        "CREDENTIAL_KEYS": _KEY, "SLACK_API_URL": "http://127.0.0.1:9/",
        "DBC_CLIENT_URLS": "http://127.0.0.1:9", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    told = ""
    with subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", "bot", *arguments],
        cwd="/", env=clean | janitor.inherited() | given, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            told += line
            if until and until in told:
                process.terminate()
                until = ""
    if process.returncode == 99:
        pytest.skip("no disk can be mounted here")
    assert "Traceback" not in told
    return process.returncode, told


FULL = "dd if=/dev/zero of=filler bs=4k 2>/dev/null"
READ_ONLY = "mount -o remount,ro ."
