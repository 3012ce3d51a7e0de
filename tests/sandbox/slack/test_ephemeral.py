"""Messages for one member that Slack does not keep: who gets them, and where they are shown."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from sandbox.slack.errors import CannotDo

GPU_OPS = "C0GPUOPS"


async def test_who_is_away_never_sees_what_was_for_them_alone(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice = ws.member("alice")
    await web.chat_postEphemeral(channel=GPU_OPS, user=alice.id, text="seen before")
    alice.leaves()
    answer = await web.chat_postEphemeral(channel=GPU_OPS, user=alice.id, text="for you")
    assert answer["ok"]
    assert answer["message_ts"]
    alice.comes_back()
    assert alice.messages("gpu-ops") == []
    await web.chat_postEphemeral(channel=GPU_OPS, user=alice.id, text="here again")
    assert alice.last("gpu-ops").text == "here again"


async def test_in_a_thread_it_is_shown_only_where_somebody_has_replied(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice = ws.member("alice")
    parent = await web.chat_postMessage(channel=GPU_OPS, text="parent")
    there = {"channel": GPU_OPS, "user": alice.id, "thread_ts": parent["ts"]}
    assert (await web.chat_postEphemeral(**there, text="lost"))["ok"]
    await web.chat_postMessage(channel=GPU_OPS, text="reply", thread_ts=parent["ts"])
    await web.chat_postEphemeral(**there, text="shown")
    assert [m.text for m in alice.messages("gpu-ops") if m.ephemeral] == ["shown"]


async def test_nobody_else_can_press_what_is_for_one_alone(
    ws: Workspace, web: AsyncWebClient
) -> None:
    button = {
        "type": "button",
        "action_id": "a",
        "text": {"type": "plain_text", "text": "Go"},
        "value": "1",
    }
    await web.chat_postEphemeral(
        channel=GPU_OPS,
        user=ws.member("alice").id,
        text="x",
        blocks=[{"type": "actions", "elements": [button]}],
    )
    seen = ws.member("alice").last("gpu-ops")
    with pytest.raises(CannotDo):
        await ws.member("bob").presses("Go", seen)
