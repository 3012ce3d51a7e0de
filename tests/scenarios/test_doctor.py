"""`python -m bot doctor` as an operator runs it: beside the real bot, or with something broken."""

import asyncio
import json
import os
import re
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests import janitor
from tests.mortal import ROOT, Mortal, mortal
from tests.scenarios.stage import CHANNEL

OK, WARNING, FAULT = 0, 1, 2


async def examined(bot: Mortal, *options: str, **settings: str) -> tuple[int, str]:
    """The exit code and all that the doctor prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor", *options,
        env={**bot.environment, **settings}, cwd=bot.data,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    text = out.decode()
    assert "Traceback" not in text, text
    secrets = [bot.ws.bot_token, bot.ws.app_token, "s3cret"]
    assert not [secret for secret in secrets if secret in text], text
    return process.returncode or 0, text


def content(bot: Mortal) -> list[tuple[object, ...]]:
    """All that stands in the bot's database."""
    with closing(sqlite3.connect(f"file:{bot.data}/bot.db?mode=ro", uri=True)) as connection:
        names = [
            n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return [row for name in names for row in connection.execute(f'SELECT * FROM "{name}"')]


RULES = """
[[rule]]
name = "gone"
match = { command = "vm.delete", channel = "%s", node = "%s" }
approvals = 1
approvers = { persons = ["U0GONE"] }
"""


async def test_all_is_well_beside_the_running_bot(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        await bot.gives_session(bot.ws.member("alice"), "gpu1")
        code, told = await examined(bot)
        assert code == OK, told
        assert all(line.startswith("✔ ") for line in told.splitlines()), told
        assert "a bot has it open" in told
        assert "Not tried, since a bot may be running" in told
        assert "each row can be opened." in told
        code, told = await examined(bot, "--json")
        found = json.loads(told)
        assert code == OK
        assert {one["level"] for one in found} == {"ok"}
        assert {"settings", "bot token", "app token", "scopes", "clock", "keys"} <= {
            one["about"] for one in found
        }
        alice = bot.ws.member("alice")
        await alice.types("/dbc vm list", CHANNEL)
        await alice.sees("inference", timeout=20)


async def test_what_is_broken_is_named_with_what_to_do(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        await bot.gives_session(bot.ws.member("alice"), "gpu1")
        await bot.kill()
        before = content(bot)
        code, told = await examined(bot)
        assert code == OK, told
        assert content(bot) == before
        assert "greets the bot" in told
        bot.ws.faults.error("invalid_auth", method="auth.test")
        bot.ws.faults.error("token_revoked", method="apps.connections.open")
        (tmp_path / "bot.db").chmod(0o644)
        (tmp_path / "credential.key").rename(tmp_path / "kept")
        url = "http://127.0.0.1:9"
        code, told = await examined(bot, DBC_CLIENT_URLS=url)
        assert code == FAULT
        assert "✘ bot token:" in told
        assert "Slack refuses the bot token (invalid_auth). Set SLACK_BOT_TOKEN" in told
        assert "Slack refuses the app-level token (token_revoked)." in told
        assert f"bot.db is 0644: others can read it. Run: chmod 600 {tmp_path}/bot.db" in told
        assert "credential.key is gone." in told
        assert not (tmp_path / "credential.key").exists()
        assert "✘ DBC 127.0.0.1:9:" in told
        (tmp_path / "kept").rename(tmp_path / "credential.key")
        code, told = await examined(bot, CREDENTIAL_KEYS=Fernet.generate_key().decode())
        assert re.search(r"No key opens (\d+) of \1 encrypted row", told)


async def test_rules_that_name_who_and_what_is_not_there_are_told(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        (tmp_path / "rules.toml").write_text(RULES % ("C0NOTHERE", "ab" * 32))
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == FAULT
        assert "where the bot is not: C0NOTHERE (channel_not_found)" in told
        assert "cannot act: U0GONE (user_not_found)" in told
        assert "Nobody can approve by “gone”" in told
        assert "No daemon knows these nodes of the rules: abababab…" in told
        (tmp_path / "rules.toml").write_text("[[rule]]\nname = 1\n")
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == FAULT
        assert "✘ rules:" in told


@pytest.mark.parametrize("given", [{"SLACK_BOT_TOKEN": "s3cret"}, {"HEALTH_PORT": "s3cret"}])
async def test_wrong_settings_are_all_that_is_told(
    tmp_path: Path, given: Mapping[str, str]
) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor",
        env={**kept, **janitor.inherited(), "PYTHONPATH": str(ROOT), **given}, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == FAULT
    assert err == b""
    assert f"✘ settings:      {next(iter(given))}: it is not " in out.decode()
    assert "s3cret" not in out.decode()
