"""Each reason that /readyz and systemd's STATUS give: how many and what, nobody's name."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.monitoring.port import readiness
from tests.scenarios.nameless import nameless
from tests.scenarios.site import rules, site
from tests.scenarios.stage import LIMITS, Stage
from tests.scenarios.test_damaged_rows import locks

ROOT = Path(__file__).parents[2]
DOCTOR = '[doctor]\npeople = { persons = ["U0BOB"] }\n'


def ready(stage: Stage) -> str:
    """What /readyz and STATUS say."""
    health = stage.bot.health
    nameless(" ".join(health.reasons))
    answer = readiness(health)
    assert (answer.status == 200) == (not health.reasons)
    return nameless(str(answer.text))


async def test_rows_that_cannot_be_read_are_counted_and_named_to_operators(tmp_path: Path) -> None:
    async with site(tmp_path, DOCTOR) as stage:
        locks(stage, "alice")
        with capture_logs() as logs:
            await stage.passes(60)
        told = "1 stored row cannot be read: see row.damaged in the log, or /dbc doctor."
        assert ready(stage) == f"ok\n{told}\n"
        (logged,) = [one for one in logs if one["event"] == "row.damaged"]
        assert logged["id"].startswith(f"{stage.alice.id} ")
        assert logged["advice"].startswith("Put the former key back at the end of the key file ")
        seen = (await stage.asks(stage.bob, "/dbc doctor")).plain
        assert f"The session {stage.alice.id} gpu1 cannot be read: no key opens it." in seen
        for name in ("bob", "carol"):
            locks(stage, name)
        await stage.passes(60)
        said = "No key in the key file credential.key opens any session (3 stored sessions)."
        assert said in ready(stage)
        assert "3 stored rows cannot be read" in ready(stage)


async def test_a_key_file_that_is_gone_is_told_without_its_path(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        (tmp_path / "credential.key").rename(tmp_path / "kept")
        with capture_logs() as logs:
            await stage.passes(60, times=2)
            assert "The key file credential.key is gone or cannot be read." in ready(stage)
            (tmp_path / "kept").rename(tmp_path / "credential.key")
            await stage.passes(60)
        assert ready(stage) == "ok\n"
        files = [(one["event"], one["file"]) for one in logs if one["event"].startswith("keys.")]
        file = str(tmp_path / "credential.key")
        assert files == [("keys.file_lost", file), ("keys.file_back", file)]


async def test_an_order_that_fails_is_counted_and_named_to_operators(tmp_path: Path) -> None:
    async with site(tmp_path, DOCTOR) as stage:
        stage.bot._services.orders._failed.add("net.4711")  # a fault that nobody knows yet
        assert "1 rental cannot be looked at by a fault of this bot: see order" in ready(stage)
        assert "4711" not in ready(stage)
        seen = (await stage.asks(stage.bob, "/dbc doctor")).plain
        assert "A fault of this bot keeps it from looking at these rentals: 4711." in seen


async def test_rules_that_were_not_taken_are_told_without_what_is_in_them(tmp_path: Path) -> None:
    async with site(tmp_path, DOCTOR) as stage:
        file = tmp_path / "policy.toml"
        for text in ("[[rule", None):
            file.write_text(text) if text else file.unlink()
            stage.bot.reload_policy()
            assert "POLICY_FILE has faults: the rules before stay in force." in ready(stage)
        file.write_text(DOCTOR)
        stage.bot.reload_policy()
        assert ready(stage) == "ok\n"


async def test_budgets_and_an_audit_stream_that_stand_still_are_told(tmp_path: Path) -> None:
    budget = '[[budget]]\nname = "ops"\nperson = ["U0ALICE"]\nusd = 10\n'
    async with site(tmp_path, budget) as stage:
        await stage.bot.stop()
        where = {"audit_stream": str(tmp_path / "missing" / "audit.jsonl")}
        stage.bot = Bot(stage.settings().model_copy(update=where), stage.machine, LIMITS)
        await stage.bot.start(ticking=False)
        await stage.bot.edge.connected()
        await stage.passes(3)
        assert "Budgets count nothing: CHAIN_RPC_URLS is not set." in ready(stage)
        assert "The audit stream takes nothing (no such file or directory)" in ready(stage)


@pytest.mark.parametrize("is_scope", [False, True])
async def test_a_refusal_of_slack_says_what_to_set_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_scope: bool
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN_FILE", str(tmp_path / "s3cret"))
    async with site(tmp_path) as stage:
        told = "Slack refuses the bot token (token_revoked). Set SLACK_BOT_TOKEN to"
        if is_scope:
            stage.ws.take_scopes("chat:write")
            told = "The bot token lacks the scope chat:write (missing_scope)."
        else:
            stage.ws.revoke("bot", error="token_revoked")
        await stage.asks(stage.alice, "@dbc help")
        await stage.passes(5)
        assert told in ready(stage)
        assert "SLACK_BOT_TOKEN is in the file that SLACK_BOT_TOKEN_FILE names." in ready(stage)


async def test_a_settings_place_is_the_one_that_its_own_settings_were_read_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path) as stage:
        await stage.bot.stop()
        with monkeypatch.context() as then:
            then.setenv("SLACK_BOT_TOKEN_FILE", str(tmp_path / "s3cret"))
            settings = stage.settings()
        stage.bot = Bot(settings, stage.machine, LIMITS)
        await stage.bot.start(ticking=False)
        await stage.bot.edge.connected()
        stage.ws.revoke("bot", error="token_revoked")
        await stage.asks(stage.alice, "@dbc help")
        await stage.passes(5)
        assert "SLACK_BOT_TOKEN is in the file that SLACK_BOT_TOKEN_FILE names." in ready(stage)


async def test_the_jobs_of_the_clockwork_are_named_after_nobody(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        for job in stage.bot._ticker._jobs:
            nameless(job.name)


# Whoever reports to health anew shows in a test what it tells: `nameless`.
REPORTS = {
    "bot/app.py": 4,  # the clockwork twice with budgets and the key file, orders, audit stream
    "bot/services/damage.py": 2,
    "bot/services/database.py": 3,  # at the start, later, and a newer version: test_health_port
    "handlers/connection.py": 1,
    "handlers/edge.py": 2,  # test_health_port, test_rolling_upgrade
    "bot/services/frozen.py": 2,
    "handlers/scopes.py": 2,  # missing, and given again
    "handlers/signed.py": 1,  # tests/handlers/test_server
}


@pytest.mark.slow
def test_every_reason_is_looked_through() -> None:
    found: Counter[str] = Counter()
    for file in [*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                reports = node.func.attr in {
                    "lost", "impaired", "does_without", "watch", "watch_impairments"
                }  # fmt: skip
                if reports and ast.unparse(node.func.value).endswith("health"):
                    found[str(file.relative_to(ROOT))] += 1
    assert found == REPORTS


async def test_missing_scopes_are_told_at_the_start_and_once_they_are_taken_away(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        await stage.bot.stop()
        stage.ws.take_scopes("chat:write")
        stage.bot = Bot(stage.settings(), stage.machine, LIMITS)
        with capture_logs() as logs:
            await stage.bot.start(ticking=False)
            said = "The bot token lacks chat:write: add what is missing under OAuth & Permissions"
            assert said in ready(stage)
            await stage.bot.edge.connected()
            stage.ws.give_scopes("chat:write")
            await stage.asks(stage.alice, "/dbc vm list")
            assert ready(stage) == "ok\n"
            stage.ws.take_scopes("files:write")
            await stage.asks(stage.alice, "/dbc vm list")
            assert "The bot token lacks files:write" in ready(stage)
        told = [one for one in logs if one["event"] == "slack.lacks_scopes"]
        assert [one["scopes"] for one in told] == [["chat:write"], ["files:write"]]


async def test_a_freeze_is_told_without_a_name_until_it_is_lifted(tmp_path: Path) -> None:
    async with site(tmp_path, '[freeze]\npeople = { persons = ["U0BOB"] }\n') as stage:
        await stage.asks(stage.bob, "/dbc freeze network outage")
        await stage.passes(5)
        assert ready(stage).startswith("ok\nChanges have been frozen since 2026-01-05 ")
        assert "network outage" not in ready(stage)
        await stage.asks(stage.bob, "/dbc unfreeze")
        await stage.passes(5)
        assert ready(stage) == "ok\n"


async def test_a_freeze_that_the_rules_let_nobody_lift_is_told_with_what_to_do(
    tmp_path: Path,
) -> None:
    people = '[freeze]\npeople = { persons = ["U0BOB"] }\n'
    async with site(tmp_path, people) as stage:
        await stage.asks(stage.bob, "/dbc freeze network outage")
        rules(stage, "[defaults]\n")
        with capture_logs() as logs:
            await stage.restart_bot()
            await stage.passes(10)
        stuck = "and the rules let nobody lift that: name people under [freeze] of POLICY_FILE."
        assert ready(stage).count(stuck) == ready(stage).count("frozen") == 1
        assert [one["event"] for one in logs].count("freeze.is_stuck") == 1
        rules(stage, people)
        await stage.passes(10)
        assert "nobody" not in ready(stage)
        assert "frozen" in ready(stage)
