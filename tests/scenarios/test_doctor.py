"""`python -m bot doctor` as an operator runs it: beside the real bot, or with something broken."""

import asyncio
import json
import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.addresses import place_of
from storage import JOURNALS
from tests import forked, janitor
from tests.mortal import Mortal, mortal
from tests.scenarios.stage import CHANNEL

OK, WARNING, FAULT = 0, 1, 2


async def examined(bot: Mortal, *options: str, **settings: str) -> tuple[int, str]:
    """The exit code and all that the doctor prints."""
    words, env = ["doctor", *options], {**bot.environment, **settings}
    done = await asyncio.to_thread(forked.run, words, env, bot.data)
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    secrets = [bot.ws.bot_token, bot.ws.app_token, "s3cret"]
    assert not [secret for secret in secrets if secret in text], text
    return done.returncode, text


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


async def test_socket_mode_that_is_switched_off_is_no_trouble_of_the_network(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        bot.ws.faults.add("error", "apps.connections.open", error="socket_mode_not_enabled")
        code, told = await examined(bot)
        assert code == FAULT
        [line] = [one for one in told.splitlines() if one.startswith("✘ app token")]
        assert "Socket Mode is switched off for the app (socket_mode_not_enabled)." in line
        assert "or take SLACK_APP_TOKEN out" in told
        assert "Cannot reach Slack" not in told
        bot.ws.faults.add("error", "apps.connections.open", error="internal_error")
        _, told = await examined(bot)
        assert f"Slack ({place_of(bot.ws.api_url)}) answers SLACK_APP_TOKEN with an error" in told
        assert "the network" not in told


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
        assert "✘ DBC 127.0.0.1:9: The DBC daemon cannot be reached: connection refused." in told
        (tmp_path / "kept").rename(tmp_path / "credential.key")
        code, told = await examined(bot, CREDENTIAL_KEYS=Fernet.generate_key().decode())
        assert re.search(r"No key opens (\d+) of \1 encrypted row", told)
        assert "Put the former key back at the end of CREDENTIAL_KEYS.\n" in told
        assert f"⚠ stored rows:   The session {bot.ws.member('alice').id} " in told
        assert "⚠ keys:          No key opens these: sessions: 1." in told
        (tmp_path / "keys").write_text(Fernet.generate_key().decode())
        (tmp_path / "token").write_text(bot.ws.bot_token)
        bot.ws.faults.error("invalid_auth", method="auth.test")
        files = {name: str(tmp_path / name) for name in ("keys", "token")}
        code, told = await examined(
            bot, CREDENTIAL_KEYS_FILE=files["keys"], SLACK_BOT_TOKEN_FILE=files["token"],
            SLACK_BOT_TOKEN="",
        )  # fmt: skip
        assert "CREDENTIAL_KEYS is in the file that CREDENTIAL_KEYS_FILE names." in told
        assert "SLACK_BOT_TOKEN is in the file that SLACK_BOT_TOKEN_FILE names." in told
        (tmp_path / "credential.key").write_text((tmp_path / "keys").read_text())
        code, told = await examined(bot)
        assert f"back at the end of the key file {tmp_path}/credential.key.\n" in told


async def test_a_database_that_is_not_there_is_told_as_the_start_tells_it(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        (tmp_path / "bot.db").rename(tmp_path / "kept")
        code, told = await examined(bot)
        assert code == FAULT
        assert f"✘ database:      {tmp_path}/bot.db was deleted under the bot that runs." in told
        await bot.kill()
        for end in JOURNALS:  # all may stand in them still
            if (left := tmp_path / f"bot.db{end}").exists():
                left.rename(tmp_path / f"kept{end}")
        with closing(sqlite3.connect(tmp_path / "kept")) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        started = await asyncio.to_thread(forked.run, ["run"], bot.environment, bot.data)
        _, told = await examined(bot)
        said = started.stderr.splitlines()[-1].removeprefix("Error: ")
        assert f"DATABASE_URL names {tmp_path}/bot.db, where there is no database, but" in said
        assert f"✘ database:      {said}" in told
        (tmp_path / "kept").unlink()
        started = await asyncio.to_thread(forked.run, ["run"], bot.environment, bot.data)
        _, told = await examined(bot)
        said = started.stderr.splitlines()[-1].removeprefix("Error: ")
        assert "where there is no database any more" in said
        assert f"✘ database:      {said}" in told
        new = f"sqlite:///{tmp_path}/new/bot.db"
        code, told = await examined(bot, DATABASE_URL=new)
        assert code == OK, told
        assert "✔ database:      " in told
        assert "new/bot.db does not exist yet. The first start makes it." in told
        stream = str(tmp_path / "none" / "audit.jsonl")
        _, told = await examined(bot, DATABASE_URL=new, AUDIT_STREAM=stream)
        assert "⚠ audit stream:  AUDIT_STREAM takes nothing: no such file or directory." in told
        _, told = await examined(bot, DATABASE_URL=f"sqlite:///{tmp_path}/bot.log/bot.db")
        assert f"this account cannot make it in {tmp_path}/bot.log. See DATABASE_URL." in told
        code, told = await examined(bot, DATABASE_URL="sqlite:////proc/x/bot.db")
        assert code == FAULT, told
        assert "does not exist, and this account cannot make it in /proc. See" in told
        _, told = await examined(bot, DATABASE_URL="sqlite:////proc")
        assert "✘ database:      /proc is not a file." in told


async def test_a_journal_that_another_file_has_left_is_told_and_moved_nowhere(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        await bot.kill()
        file, journal, backup = (tmp_path / name for name in ("bot.db", "bot.db-wal", "b.db"))
        await asyncio.to_thread(forked.run, ["backup", str(backup)], bot.environment, bot.data)
        copied = backup.read_bytes()
        file.write_bytes(copied)
        journal.write_bytes(b"left" * 2000)
        code, told = await examined(bot)
        assert code == FAULT
        assert f"✘ database:      {journal} is not the journal of {file}, but was left by" in told
        assert "python -m bot restore FILE: it moves both away." in told
        assert (file.read_bytes(), journal.read_bytes()) == (copied, b"left" * 2000)


async def test_a_freeze_that_nobody_can_lift_is_told_from_the_database(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        await bot.kill()
        with closing(sqlite3.connect(tmp_path / "bot.db")) as raw, raw:
            raw.execute(
                "INSERT INTO freezes (scope, person, why, since) "
                "VALUES ('everything', 'U0BOB', 'outage', '2026-01-05 09:00:00')"
            )
        code, told = await examined(bot)
        assert code == WARNING, told
        assert "⚠ freeze:        Changes have been frozen since 2026-01-05 09:00" in told
        assert "nobody lift that: name people under [freeze] of POLICY_FILE." in told
        (tmp_path / "rules.toml").write_text('[freeze]\npeople = { persons = ["U0BOB"] }\n')
        _, told = await examined(bot, POLICY_FILE="rules.toml")
        assert "✔ freeze:        Changes have been frozen since 2026-01-05 09:00" in told


async def test_rules_that_name_who_and_what_is_not_there_are_told(tmp_path: Path) -> None:
    async with mortal(tmp_path) as bot:
        (tmp_path / "rules.toml").write_text(RULES % ("C0NOTHERE", "ab" * 32))
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == FAULT
        assert "where the bot is not: C0NOTHERE (channel_not_found)" in told
        assert "cannot act: U0GONE (user_not_found)" in told
        assert "Nobody can approve by “gone”" in told
        assert "No daemon sees these nodes of the rules at present: abababab…" in told
        urls = f"{bot.daemon.url},http://127.0.0.1:9"
        code, told = await examined(bot, POLICY_FILE="rules.toml", DBC_CLIENT_URLS=urls)
        assert "✘ DBC 127.0.0.1:9:" in told
        assert "nodes of the rules" not in told  # the other daemon may see them
        (tmp_path / "rules.toml").write_text("[[rule]]\nname = 1\n")
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == FAULT
        assert "✘ rules:" in told


NAMED = """
[[rule]]
name = "here"
match = { command = "vm.delete", channel = "%s" }
approvals = 1
approvers = { persons = [%s] }
"""


async def test_what_slack_does_not_say_of_the_rules_counts_as_neither_there_nor_gone(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        people = [bot.ws.member(name).id for name in ("alice", "bob")]
        listed = ", ".join(f'"{person}"' for person in people)
        (tmp_path / "rules.toml").write_text(NAMED % ("C0GPUOPS", listed))
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == OK, told
        assert "The bot is in 1 channel that the rules name." in told
        assert "All there: 2 people that the rules name." in told
        bot.ws.faults.add("http", "users.info", times=1)
        bot.ws.faults.ratelimit("conversations.history")
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == WARNING, told
        assert "1 of 1 channel that the rules name could not be checked: ratelimited." in told
        assert "1 of 2 people that the rules name could not be checked: HTTP 503" in told
        assert "Run the doctor again in a minute." in told
        assert not re.search("All there|The bot is in|where the bot is not", told)
        bot.ws.take_scopes("users:read", "channels:history")
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == FAULT, told
        assert "1 of 1 channel that the rules name could not be checked: missing_scope." in told
        assert "2 of 2 people that the rules name could not be checked: missing_scope." in told
        assert "See what is said of the scopes." in told
        assert not re.search("All there|The bot is in|where the bot is not", told)


async def test_of_many_people_those_who_are_not_asked_for_are_not_said_to_be_there(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path) as bot:
        people = ", ".join(f'"U{number:010}"' for number in range(51))
        (tmp_path / "rules.toml").write_text(NAMED % ("C0GPUOPS", people))
        code, told = await examined(bot, POLICY_FILE="rules.toml")
        assert code == WARNING, told
        assert "1 of 51 people that the rules name could not be checked: only 50 are" in told
        assert "Look at the others by hand." in told


@pytest.mark.parametrize(
    ("behind", "zone", "code", "says"),
    [
        (0, "GMT", OK, "✔ clock: +It agrees with Slack's."),
        (0, "-0000", OK, "✔ clock: +It agrees with Slack's."),
        (120, "GMT", WARNING, r"⚠ clock: +This machine's clock is 1\d\d s ahead of Slack's."),
        (-890, "-0000", FAULT, r"✘ clock: +This machine's clock is 8\d\d s behind Slack's."),
        (None, "", WARNING, "⚠ clock: +Slack's answer has no date to compare with."),
    ],
)  # fmt: skip
async def test_the_clock_is_compared_with_slacks(
    tmp_path: Path, behind: int | None, zone: str, code: int, says: str
) -> None:
    async with mortal(tmp_path) as bot:
        await bot.kill()
        theirs = "soon"
        if behind is not None:
            date = datetime.now(UTC) - timedelta(seconds=behind)
            theirs = f"{date:%a, %d %b %Y %H:%M:%S} {zone}"
        bot.ws.faults.date = theirs
        found, told = await examined(bot)
        assert found == code, told
        assert re.search(says, told), told
        assert "greets the bot" in told  # it goes on


@pytest.mark.parametrize("given", [{"SLACK_BOT_TOKEN": "s3cret"}, {"HEALTH_PORT": "s3cret"}])
async def test_wrong_settings_are_all_that_is_told(
    tmp_path: Path, given: Mapping[str, str]
) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    env = {**kept, **janitor.inherited(), **given}
    done = await asyncio.to_thread(forked.run, ["doctor"], env, tmp_path)
    assert done.returncode == FAULT
    assert done.stderr == ""
    assert f"✘ settings:      {next(iter(given))}: it is not " in done.stdout
    assert "s3cret" not in done.stdout
