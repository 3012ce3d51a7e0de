"""A workspace per test, a Web API client, and a small Bolt app of the bot's own version."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import HandClock, Workspace
from sandbox.slack.control import add_control


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def ws(clock: HandClock) -> AsyncIterator[Workspace]:
    workspace = Workspace(
        clock=clock, ack_seconds=0.5, retry_delays=(0.0, 0.01), shortcuts={"followup"}
    )
    add_control(workspace)
    async with workspace:
        yield workspace


@pytest.fixture
def web(ws: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)


def new_app(ws: Workspace) -> AsyncApp:
    client = AsyncWebClient(token=ws.bot_token, base_url=ws.api_url)
    return AsyncApp(client=client, signing_secret=ws.signing_secret, process_before_response=True)


@pytest.fixture
def app(ws: Workspace) -> AsyncApp:
    return new_app(ws)


@asynccontextmanager
async def connected(ws: Workspace, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    handler = AsyncSocketModeHandler(app, ws.app_token)
    handler.client.ping_interval = 0.2
    await handler.connect_async()  # type: ignore[no-untyped-call]
    await ws.until(lambda: ws.connected)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]


async def refused(call: Any) -> Any:
    """The answer of a call that Slack must refuse."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response


def section(text: str = "hello", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def button(text: str = "Go", action_id: str = "go", **more: Any) -> dict[str, Any]:
    words = {"type": "plain_text", "text": text}
    return {"type": "button", "text": words, "action_id": action_id} | more


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)} | more


def text_input(label: str = "Name", action_id: str = "name", **more: Any) -> dict[str, Any]:
    return {
        "type": "input",
        "block_id": f"{action_id}.block",
        "label": {"type": "plain_text", "text": label},
        "element": {"type": "plain_text_input", "action_id": action_id},
    } | more


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": {"type": "plain_text", "text": "Form"},
        "submit": {"type": "plain_text", "text": "Save"},
        "blocks": list(blocks),
    } | more
