"""What an app may do is what its manifest says."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import CannotDo, Workspace
from tests.sandbox.slack.conftest import refused, section

MANIFEST: dict[str, Any] = {
    "features": {
        "app_home": {"home_tab_enabled": False, "messages_tab_enabled": False},
        "slash_commands": [{"command": "/gpu", "should_escape": False}],
        "shortcuts": [{"callback_id": "ask", "type": "message", "name": "Ask"}],
    },
    "oauth_config": {"scopes": {"bot": ["chat:write", "commands", "channels:history"]}},
    "settings": {"event_subscriptions": {"bot_events": ["message.channels", "app_mention"]}},
}


@pytest.fixture
async def bare() -> AsyncIterator[Workspace]:
    async with Workspace(manifest=MANIFEST, retry_delays=()) as ws:
        yield ws


async def test_only_its_commands_can_be_typed_and_unescaped_if_it_says_so(bare: Workspace) -> None:
    await bare.member("alice").types("/gpu a < @bob")
    assert bare.deliveries[-1].payload["text"] == "a < @bob"
    with pytest.raises(CannotDo, match="not a valid command"):
        await bare.member("alice").types("/dbc vm list")


async def test_events_need_subscription_and_scope(bare: Workspace) -> None:
    await bare.member("alice").types("@dbc hi", channel="gpu-ops")
    await bare.idle()
    sent = [delivery.payload["event"] for delivery in bare.deliveries]
    assert [(e["type"], e["channel_type"]) for e in sent] == [("message", "channel")]


async def test_tabs_that_are_off_cannot_be_used(bare: Workspace) -> None:
    alice = bare.member("alice")
    with pytest.raises(CannotDo, match="turned off"):
        await alice.types("hi", channel="@dbc")
    await alice.opens_home()
    assert bare.deliveries == []
    web = AsyncWebClient(token=bare.bot_token, base_url=bare.api_url)
    home = {"type": "home", "blocks": [section()]}
    assert (await refused(web.views_publish(user_id=alice.id, view=home)))["error"] == "not_enabled"


async def test_a_method_outside_its_scopes_is_refused(bare: Workspace) -> None:
    web = AsyncWebClient(token=bare.bot_token, base_url=bare.api_url)
    answer = await refused(web.users_info(user="U0ALICE"))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "users:read")
