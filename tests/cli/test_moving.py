"""The move to another machine, by the very lines that the operations document shows."""

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage import Store, Vault, keys_in
from tests.databases import made
from tests.storage.samples import session
from tests.test_documented_lines import ROOT, blocks

SOMEBODY = 65534
ENV = """\
SLACK_BOT_TOKEN=xoxb-1
SLACK_APP_TOKEN=xapp-1
SLACK_API_URL=http://127.0.0.1:9/api/
DBC_CLIENT_URLS=http://127.0.0.1:9
POLICY_FILE=policy.toml
"""


def documented() -> list[list[str]]:
    """The lines on the former machine, to unpack, and on the new one."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = page.partition("### Moving to another machine")[2].partition("\n### ")[0]
    return [*blocks(section)]


def run(lines: list[str], directory: Path, binaries: Path) -> str:
    """What the lines print, one shell for all; the doctor's exit code is no matter."""
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines).replace("bot doctor", "bot doctor || true")],
        cwd=directory, capture_output=True, text=True, timeout=100, check=False,
        env={
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]]),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def with_a_session(directory: Path) -> None:
    """The database and the key of a bot that runs there, closed."""
    url = f"sqlite+aiosqlite:///{directory}/data/dbc-bot.db"
    await made(url)
    store = Store(url, Vault.from_file(directory / "data" / "credential.key"))
    async with store.write() as tx:
        await tx.sessions.put(session("U1"))
    await store.close()


@pytest.mark.slow
def test_a_bot_moves_by_the_documented_lines(tmp_path: Path) -> None:
    former, new, binaries = (tmp_path / name for name in ("former", "other/new", "bin"))
    for directory in (former, new, binaries):
        directory.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    (former / ".env").write_text(ENV, encoding="utf-8")
    (former / ".env").chmod(0o600)
    (former / "policy.toml").touch()
    asyncio.run(with_a_session(former))
    leave, unpack, arrive = documented()

    *copied, packed = leave
    run(copied, former, binaries)
    carried = [former / "bot-copy.db", former / ".env", former / "data" / "credential.key"]
    if os.geteuid() == 0:  # what the account there is called by is another number here
        for file in carried:
            os.chown(file, SOMEBODY, SOMEBODY)
    run(["umask 077", packed], former, binaries)
    shutil.copy(former / "moving.tar", new)
    shutil.rmtree(former)

    run(unpack, new, binaries)
    told = run(arrive, new, binaries)
    for name in ("bot-copy.db", ".env", "data/credential.key", "data", "data/dbc-bot.db"):
        found = (new / name).stat()
        assert found.st_uid == os.geteuid(), name
        assert not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO), name
    assert "Restored bot-copy.db to data/dbc-bot.db." in told
    assert "1 encrypted row; each row can be opened." in told
    assert "rules in policy.toml" in told
    assert "file modes" not in told
    assert len(keys_in(new / "data" / "credential.key")) == 1
