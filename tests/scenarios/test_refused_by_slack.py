"""Slack takes the bot's token no more: the bot says why, is not ready, and ends by itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.app import run
from sandbox.dbc import Daemon, ManualClock
from sandbox.dbc.demo import demo_world
from sandbox.slack import Workspace
from tests.scenarios.stage import CHANNEL, MANIFEST, Stage, settings_for

AT_ONCE = timedelta(0)


@asynccontextmanager
async def running(data: Path, grace: timedelta = AT_ONCE) -> AsyncIterator[tuple[Workspace, Any]]:
    """The bot as an operator runs it, in Socket Mode: the workspace, and what `run` gives."""
    async with Workspace(manifest=MANIFEST) as ws, Daemon(demo_world(ManualClock())) as daemon:
        bot = asyncio.create_task(run(settings_for(ws, daemon, data, http=False), grace))
        await ws.until(lambda: ws.connected, 30)
        yield ws, bot
        bot.cancel()
        await asyncio.gather(bot, return_exceptions=True)


@contextmanager
def refusals() -> Iterator[list[str]]:
    """The sentences that say what Slack refuses, as they are logged meanwhile."""
    said: list[str] = []
    with capture_logs() as logs:
        yield said
    # What ends the process is no mere information.
    assert {e["log_level"] for e in logs if e["event"] == "stopping"} <= {"error"}
    said += [e["sentence"] for e in logs if e["event"] == "slack.refuses_the_bot"]


@pytest.mark.parametrize(
    "error",
    ["token_revoked", "account_inactive", "invalid_auth", "org_login_required", "token_expired",
     "not_allowed_token_type", "team_access_not_granted"],
)  # fmt: skip
async def test_a_bot_whose_token_is_refused_ends_and_says_once_what_to_set(
    tmp_path: Path, error: str
) -> None:
    with refusals() as said:
        async with running(tmp_path) as (ws, bot):
            ws.revoke("bot", error=error)
            for _ in range(3):
                await ws.member("alice").types("@dbc help", CHANNEL)
            assert await asyncio.wait_for(bot, 30) is False
    assert len(said) == 1
    assert said[0].startswith(f"Slack refuses the bot token ({error}). Set SLACK_BOT_TOKEN to")


async def test_a_bot_whose_app_token_is_refused_ends_and_says_what_to_set(tmp_path: Path) -> None:
    with refusals() as said:
        async with running(tmp_path) as (ws, bot):
            ws.revoke("app", error="token_revoked")
            ws.sockets.drop()
            assert await asyncio.wait_for(bot, 30) is False
    assert len(said) == 1
    assert "Set SLACK_APP_TOKEN to" in said[0]


async def test_a_bot_without_the_scope_to_write_ends_and_names_the_scope(tmp_path: Path) -> None:
    with refusals() as said:
        async with running(tmp_path) as (ws, bot):
            ws.take_scopes("chat:write")
            await ws.member("alice").types("@dbc help", CHANNEL)
            assert await asyncio.wait_for(bot, 30) is False
    assert len(said) == 1
    assert said[0].startswith("The bot token lacks the scope chat:write (missing_scope). Add it")


async def test_a_refusal_that_passes_within_the_grace_stops_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, timedelta(seconds=0.5)) as (ws, bot):
        ws.faults.error("invalid_auth", "chat.postEphemeral")
        await ws.member("alice").types("@dbc help", CHANNEL)
        await ws.until(lambda: any(call.method == "auth.test" for call in ws.calls[1:]), 30)
        await asyncio.wait({bot}, timeout=1)
        assert not bot.done()


@pytest.mark.parametrize("kind", ["bot", "app"])
async def test_one_refusal_before_an_outage_stops_nothing(tmp_path: Path, kind: str) -> None:
    asks = {"bot": "auth.test", "app": "apps.connections.open"}[kind]
    with capture_logs() as logs:
        async with running(tmp_path, timedelta(seconds=0.1)) as (ws, bot):
            asked = len(ws.calls_of(asks))
            ws.faults.error("invalid_auth", "chat.postEphemeral" if kind == "bot" else asks)
            outage = ws.faults.add("http", times=None)
            if kind == "bot":
                await ws.member("alice").types("@dbc help", CHANNEL)
            else:
                ws.sockets.drop()
            await ws.until(lambda: bot.done() or len(ws.calls_of(asks)) > asked + 6, 30)
            assert not bot.done()
            ws.faults.pending.remove(outage)
            ws.revoke(kind)
            ws.sockets.drop()
            assert await asyncio.wait_for(bot, 30) is False
    assert any(entry["event"] == "slack.does_not_say" for entry in logs)


async def test_a_missing_scope_that_slack_does_not_name_stops_nothing(tmp_path: Path) -> None:
    with refusals() as said:
        async with running(tmp_path) as (ws, bot):
            for _ in range(2):
                ws.faults.error("missing_scope", "chat.postEphemeral")
                await ws.member("alice").types("@dbc help", CHANNEL)
                await ws.until(lambda: not ws.faults.pending, 30)
            await asyncio.wait({bot}, timeout=0.5)
            assert not bot.done()
    told = "The bot token lacks a scope for chat.postEphemeral (missing_scope). Add it"
    assert said[0].startswith(told)


async def test_a_scope_by_the_name_it_had_once_is_the_scope_itself(tmp_path: Path) -> None:
    async with running(tmp_path) as (ws, bot):
        body = json.dumps({"ok": False, "error": "missing_scope", "needed": "chat:write:bot"})
        refusal = ws.faults.add("body", "chat.postEphemeral", times=None, body=body)
        await ws.member("alice").types("@dbc help", CHANNEL)
        await ws.until(lambda: len(ws.calls_of("auth.test")) > 1, 30)
        assert not bot.done()
        ws.faults.pending.remove(refusal)
        ws.take_scopes("chat:write")
        await ws.member("alice").types("@dbc help", CHANNEL)
        assert await asyncio.wait_for(bot, 30) is False


async def test_the_bot_is_not_ready_while_slack_refuses_it(stage: Stage) -> None:
    assert await stage.bot.edge.is_ready()
    stage.ws.revoke("bot")
    await stage.asks(stage.alice, "@dbc help")
    assert not await stage.bot.edge.is_ready()
    if port := stage.bot.edge.port:
        async with aiohttp.ClientSession() as http:
            for path, status in ("readyz", 503), ("healthz", 200):
                async with http.get(f"http://127.0.0.1:{port}/{path}") as answer:
                    assert answer.status == status
                    told = await answer.text()
                    assert ("SLACK_BOT_TOKEN" in told) == (status == 503)
    stage.ws.restore()
    await stage.asks(stage.alice, "@dbc help")
    assert await stage.bot.edge.is_ready()
