"""HTTP delivery: signatures, the same payloads, retries with number and reason."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web as aiohttp_web
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SystemClock, Workspace
from sandbox.slack.delivery import Delivery
from sandbox.slack.http_delivery import HttpDelivery, signature
from tests.sandbox.slack.conftest import (
    actions,
    button,
    connected,
    modal,
    new_app,
    refused,
    text_input,
)


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


async def test_over_http_forms_and_buttons_work_too(http_ws: Workspace) -> None:
    ws = http_ws
    app = new_app(ws)

    @app.action("go")
    async def on_go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(text_input()))

    @app.view("form")
    async def on_submit(ack: Any) -> None:
        await ack(response_action="errors", errors={"name.block": "taken"})

    alice = ws.member("alice")
    async with served(app) as url:
        await ws.use_http(url)
        await app.client.chat_postMessage(channel="C0GPUOPS", text="t", blocks=[actions(button())])
        await alice.presses("Go")
        form = await alice.sees_modal("Form")
        await alice.submits({"Name": "x"})
    assert form.errors == {"Name": "taken"}


async def test_the_mode_can_be_switched_back(http_ws: Workspace) -> None:
    ws = http_ws
    app = new_app(ws)

    @app.command("/dbc")
    async def on_slash(ack: Any) -> None:
        await ack("here")

    assert not await ws.use_http("http://127.0.0.1:9/slack/events")
    client = AsyncWebClient(base_url=ws.api_url)
    answer = await refused(client.apps_connections_open(app_token=ws.app_token))
    assert answer["error"] == "socket_mode_not_enabled"
    await ws.use_socket_mode()
    async with connected(ws, app):
        await ws.member("alice").types("/dbc")
        await ws.member("alice").sees("here")


async def test_nothing_is_delivered_after_the_end() -> None:
    asked: list[str] = []

    async def answer(request: aiohttp_web.Request) -> aiohttp_web.Response:
        asked.append((await request.json())["type"])
        return aiohttp_web.json_response({"challenge": "none"})

    app = aiohttp_web.Application()
    app.router.add_post("/", answer)
    runner = aiohttp_web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    delivery = HttpDelivery(f"http://127.0.0.1:{runner.addresses[0][1]}/", "secret", SystemClock())
    try:
        assert not await delivery.verify("token")
        await delivery.close()
        assert not await delivery.verify("token")
        event = Delivery("events_api", {"type": "event_callback"})
        assert (await delivery.send(event, 0, "", 3.0)).status == "connection_failed"
    finally:
        await runner.cleanup()
    assert asked == ["url_verification"]
