"""HTTP delivery: signatures, the same payloads, retries with number and reason."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web as aiohttp_web
from slack_bolt.async_app import AsyncApp

from sandbox.slack import SystemClock, Workspace
from sandbox.slack.http_delivery import signature
from tests.sandbox.slack.conftest import new_app


@asynccontextmanager
async def served(app: AsyncApp) -> AsyncIterator[str]:
    """The Bolt app behind its own HTTP server, on a free port."""
    runner = aiohttp_web.AppRunner(app.web_app("/slack/events"), shutdown_timeout=0.1)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@pytest.fixture
async def http_ws() -> AsyncIterator[Workspace]:
    # Bolt compares the timestamp of a request with the machine's clock.
    async with Workspace(
        clock=SystemClock(), ack_seconds=0.5, retry_delays=(0.0, 0.0)
    ) as workspace:
        yield workspace


async def test_over_http_everything_is_signed_and_the_same(http_ws: Workspace) -> None:
    ws = http_ws
    app = new_app(ws)

    @app.command("/dbc")
    async def on_slash(ack: Any, command: Any, client: Any) -> None:
        await ack(f"sync {command['text']}")
        await client.chat_postMessage(channel=command["channel_id"], text="async")

    @app.event("app_mention")
    async def on_mention(say: Any) -> None:
        await say("mentioned")

    alice = ws.member("alice")
    async with served(app) as url:
        assert await ws.use_http(url)
        await alice.types("/dbc vm list")
        await alice.sees("sync vm list")
        await alice.sees("async")
        await alice.types("@dbc hi")
        await alice.sees("mentioned")


async def test_over_http_a_wrong_secret_is_refused(http_ws: Workspace) -> None:
    ws = http_ws
    app = new_app(ws)
    async with served(app) as url:
        ws.signing_secret = "another"
        assert not await ws.use_http(url)
        await ws.member("alice").types("/dbc vm list")
    assert ws.member("alice").notices == ['/dbc failed with the error "dispatch_failed"']


async def test_over_http_an_event_is_repeated_with_number_and_reason(http_ws: Workspace) -> None:
    ws = http_ws
    seen: list[Any] = []

    async def receive(request: aiohttp_web.Request) -> aiohttp_web.Response:
        body = await request.text()
        timestamp = request.headers["X-Slack-Request-Timestamp"]
        expected = signature(ws.signing_secret, timestamp, body)
        assert request.headers["X-Slack-Signature"] == expected
        seen.append((json.loads(body)["event_id"], request.headers))
        return aiohttp_web.Response(status=500 if len(seen) < 3 else 200)

    server = aiohttp_web.Application()
    server.router.add_post("/slack/events", receive)
    runner = aiohttp_web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    await ws.use_http(f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events")
    seen.clear()
    await ws.member("alice").types("@dbc hi")
    await ws.idle()
    await runner.cleanup()
    assert len({event_id for event_id, _ in seen}) == 1
    assert [h.get("X-Slack-Retry-Num") for _, h in seen] == [None, "1", "2"]
    assert [h.get("X-Slack-Retry-Reason") for _, h in seen] == [None, "http_error", "http_error"]
