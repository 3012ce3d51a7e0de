"""SLACK_API_URL names something that is not Slack: it is told what answered and what to set."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from sandbox.slack import Workspace
from tests import forked, janitor
from tests.scenarios.test_start import Process

SET = "Check SLACK_API_URL: without it, Slack's own address https://slack.com/api/ is used."
ENOUGH = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}


@asynccontextmanager
async def website(status: int, kind: str, text: str) -> AsyncIterator[str]:
    """Something that answers everything like this, at an address."""

    async def answer(_request: web.BaseRequest) -> web.Response:
        return web.Response(status=status, text=text, content_type=kind)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "kind", "text", "told", "advice"),
    [
        (200, "text/html", "<html>", "HTTP 200 (text/html), not an answer of Slack's.", SET),
        (404, "text/html", "<html>", "HTTP 404 (text/html), not an answer of Slack's.", SET),
        (200, "text/plain", "ok", "an answer that is not Slack's.", SET),
        (200, "application/json", "<", "(application/json), not an answer of Slack's.", SET),
        (503, "text/html", "<html>", "HTTP 503 (text/html), ", "and status.slack.com."),
    ],
)
async def test_what_answers_in_slacks_place_is_told_with_the_setting(
    tmp_path: Path, status: int, kind: str, text: str, told: str, advice: str
) -> None:
    async with website(status, kind, text) as url:
        env = {**ENOUGH, **janitor.inherited(), "SLACK_API_URL": url, "NO_PROXY": "127.0.0.1"}
        done = await asyncio.to_thread(forked.run, ["doctor"], env, tmp_path)
    for token in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        [line] = [one for one in done.stdout.splitlines() if f"with {token}: " in one]
        assert told in line
        assert line.endswith(advice)


async def test_a_proxy_that_is_dead_is_named(tmp_path: Path) -> None:
    env = {**ENOUGH, **janitor.inherited(), "SLACK_API_URL": "http://slack.invalid/api/",
           "HTTP_PROXY": "http://127.0.0.1:9"}  # fmt: skip
    done = await asyncio.to_thread(forked.run, ["doctor"], env, tmp_path)
    [line] = [one for one in done.stdout.splitlines() if "with SLACK_BOT_TOKEN: " in one]
    assert line.endswith("It is asked through a proxy: check HTTP_PROXY, and SLACK_API_URL.")


@pytest.mark.slow
async def test_a_start_says_it_as_well(tmp_path: Path) -> None:
    async with website(404, "text/html", "<html>") as url, Workspace() as ws:
        bot = await Process.begin(ws, tmp_path, SLACK_API_URL=url, LOG_FORMAT="json")
        await bot.says("slack.unreachable")
        assert await bot.ends(signal.SIGTERM) == 0
    assert "SLACK_BOT_TOKEN: HTTP 404 (text/html), not an answer of Slack's." in bot.said
    assert SET in bot.said
