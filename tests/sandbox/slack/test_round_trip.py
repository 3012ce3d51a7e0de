"""A Bolt app over Socket Mode: commands, messages, forms, as people use them."""

from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from sandbox.slack import Workspace
from tests.sandbox.slack.conftest import actions, button, connected, modal, section, text_input


async def test_a_command_is_answered_only_to_who_typed_it(ws: Workspace, app: AsyncApp) -> None:
    @app.command("/dbc")
    async def on_slash(ack: Any, command: Any, respond: Any) -> None:
        await ack()
        await respond(f"you said {command['text']}")

    alice, bob = ws.member("alice"), ws.member("bob")
    async with connected(ws, app):
        await alice.types("/dbc vm list")
        answer = await alice.sees("you said vm list")
    assert answer.ephemeral
    assert answer.user == "dbc"
    assert bob.messages("gpu-ops") == []


async def test_a_mention_in_a_thread_is_answered_there(ws: Workspace, app: AsyncApp) -> None:
    @app.event("app_mention")
    async def on_mention(event: Any, say: Any) -> None:
        await say(f"in {event['channel']}", thread_ts=event.get("thread_ts") or event["ts"])

    alice = ws.member("alice")
    async with connected(ws, app):
        await alice.types("trouble", channel="gpu-ops")
        parent = alice.last("gpu-ops")
        await alice.types("@dbc vm list", channel="gpu-ops", thread_ts=parent)
        answer = await alice.sees("in C0GPUOPS")
    assert answer.thread_ts == parent.ts
    assert len(alice.messages("gpu-ops", thread_ts=parent.ts)) == 3


async def test_a_direct_message_reaches_the_app(ws: Workspace, app: AsyncApp) -> None:
    @app.event("message")
    async def on_message(event: Any, say: Any) -> None:
        assert event["channel_type"] == "im"
        await say(f"heard {event['text']}")

    alice = ws.member("alice")
    async with connected(ws, app):
        await alice.types("vm list", channel="@dbc")
        await alice.sees("heard vm list", channel="@dbc")


async def test_a_form_is_opened_refused_and_submitted(ws: Workspace, app: AsyncApp) -> None:
    @app.command("/dbc")
    async def on_slash(ack: Any, client: Any, body: Any) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=modal(text_input("Machine")))

    @app.view("form")
    async def on_submit(ack: Any, view: Any, client: Any) -> None:
        name = view["state"]["values"]["name.block"]["name"]["value"]
        if name == "bad":
            await ack(response_action="errors", errors={"name.block": "no such machine"})
            return
        await ack()
        await client.chat_postMessage(channel="C0GPUOPS", text=f"made {name}")

    alice = ws.member("alice")
    async with connected(ws, app):
        await alice.types("/dbc vm create")
        form = await alice.sees_modal("Form")
        assert form.labels == ["Machine"]
        await alice.submits({"Machine": "bad"})
        assert form.errors == {"Machine": "no such machine"}
        await alice.submits({"Machine": "trainer"})
        await alice.sees("made trainer")
    assert alice.modal is None


async def test_a_pressed_button_edits_its_message(ws: Workspace, app: AsyncApp) -> None:
    @app.action("go")
    async def on_go(ack: Any, client: Any, body: Any) -> None:
        await ack()
        ts, channel = body["message"]["ts"], body["channel"]["id"]
        who = body["user"]["id"]
        await client.chat_update(channel=channel, ts=ts, text=f"<@{who}> went", blocks=[])

    alice, bob = ws.member("alice"), ws.member("bob")
    async with connected(ws, app):
        await app.client.chat_postMessage(
            channel="C0GPUOPS", text="go?", blocks=[section("*Go?*"), actions(button())]
        )
        card = await bob.sees("Go?")
        assert card.buttons == ["Go"]
        await bob.presses("Go")
        await alice.sees(f"<@{bob.id}> went")
    assert card.edited
    assert card.buttons == []


async def test_what_is_not_seen_is_said_with_the_whole_screen(ws: Workspace) -> None:
    alice = ws.member("alice")
    await alice.types("vm list (all")
    await alice.sees("vm list (all", by="alice")
    with pytest.raises(AssertionError, match=r"alice does not see 'vm \(x'(.|\n)*vm list"):
        await alice.sees("vm (x", timeout=0.05)
    with pytest.raises(AssertionError):
        await alice.sees("vm list", by="dbc", timeout=0.05)
