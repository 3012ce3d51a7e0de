"""What people do in forms, menus and messages, and what the app makes of it."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import CannotDo, Workspace
from tests.sandbox.slack.conftest import (
    actions,
    button,
    connected,
    modal,
    refused,
    section,
    text_input,
)

GPU_OPS = "C0GPUOPS"


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


async def opened(ws: Workspace, web: AsyncWebClient, view: dict[str, Any]) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    await web.views_open(trigger_id=trigger_id, view=view)


@pytest.mark.parametrize(
    ("typed", "received"),
    [
        ("/dbc vm list", "vm list"),
        ("/dbc   vm list ", "vm list"),
        ("/dbc", ""),
        ("/dbc a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("/dbc session share gpu1 with @bob", "session share gpu1 with <@U0BOB|bob>"),
        ("/dbc node use gpu1 #random", "node use gpu1 <#C0RANDOM|random>"),
        ("/dbc get http://10.0.0.1:22/x", "get <http://10.0.0.1:22/x>"),
        ("/dbc get example.com", "get <http://example.com|example.com>"),
        ("/dbc vm name 7a9Q “my box”", "vm name 7a9Q “my box”"),
        ("/dbc a@b.example", "<mailto:a@b.example|a@b.example>"),
    ],
)
async def test_a_command_arrives_as_slack_sends_it(
    ws: Workspace, typed: str, received: str
) -> None:
    await ws.member("alice").types(typed)
    payload = ws.deliveries[-1].payload
    assert payload["text"] == received
    assert payload["command"] == "/dbc"
    assert payload["user_name"] == "alice"
    assert payload["channel_name"] == "gpu-ops"


async def test_commands_are_refused_where_slack_refuses_them(ws: Workspace) -> None:
    alice = ws.member("alice")
    await alice.types("hello")
    with pytest.raises(CannotDo, match="not supported in threads"):
        await alice.types("/dbc vm list", thread_ts=alice.last())
    with pytest.raises(CannotDo, match="not a valid command"):
        await alice.types("/other")
    with pytest.raises(CannotDo, match="not in #ops-secret"):
        await ws.member("carol").types("hi", channel="ops-secret")
    with pytest.raises(CannotDo, match="cannot sign in"):
        await ws.add_member("gone", deleted=True).types("hi")
    assert ws.deliveries == []


async def test_a_channel_without_the_bot_sends_no_mention(ws: Workspace) -> None:
    await ws.member("alice").types("@dbc hi", channel="random")
    assert ws.deliveries == []


async def test_a_form_is_checked_before_it_is_sent(ws: Workspace, web: AsyncWebClient) -> None:
    number = {
        "type": "number_input",
        "action_id": "n",
        "is_decimal_allowed": False,
        "min_value": "1",
        "max_value": "8",
    }
    blocks = [
        text_input("Name"),
        text_input("Note", "note", optional=True),
        {"type": "input", "label": plain("Cores"), "element": number},
    ]
    await opened(ws, web, modal(*blocks))
    alice = ws.member("alice")
    assert alice.modal is not None
    for cores, complaint in (("0", "greater than or equal"), ("9", "less than"), ("2.5", "whole")):
        await alice.submits({"Cores": cores})
        assert set(alice.modal.errors) == {"Name", "Cores"}
        assert complaint in alice.modal.errors["Cores"]
    assert ws.deliveries == []


MENU = [option("Ubuntu", "u"), option("Debian", "d")]
ELEMENTS: dict[str, dict[str, Any]] = {
    "Image": {"type": "static_select", "options": MENU},
    "Disks": {"type": "multi_static_select", "options": MENU},
    "Flags": {"type": "checkboxes", "options": MENU},
    "Mode": {"type": "radio_buttons", "options": MENU, "initial_option": MENU[0]},
    "Day": {"type": "datepicker"},
    "Hour": {"type": "timepicker"},
    "When": {"type": "datetimepicker"},
    "Who": {"type": "users_select"},
    "Where": {"type": "conversations_select"},
    "Left": {"type": "plain_text_input"},
}


def blocks_of(elements: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """An input that may be left empty for each element, by label."""
    return [
        {
            "type": "input",
            "label": plain(label),
            "optional": True,
            "element": element | {"action_id": label},
        }
        for label, element in elements.items()
    ]


async def test_every_kind_of_input_reports_what_it_holds(
    ws: Workspace, web: AsyncWebClient, app: AsyncApp
) -> None:
    held: dict[str, Any] = {}

    @app.view("form")
    async def on_submit(ack: Any, view: Any) -> None:
        for answers in view["state"]["values"].values():
            held.update(answers)
        await ack()

    async with connected(ws, app):
        await opened(ws, web, modal(*blocks_of(ELEMENTS)))
        await ws.member("alice").submits(
            {
                "Image": "Ubuntu",
                "Disks": ["u", "Debian"],
                "Flags": ["u"],
                "Day": "2026-02-03",
                "Hour": "12:30",
                "When": 1_770_000_000,
                "Who": "bob",
                "Where": "#random",
            }
        )
    assert held["Image"] == {"type": "static_select", "selected_option": MENU[0]}
    assert [o["value"] for o in held["Disks"]["selected_options"]] == ["u", "d"]
    assert [o["value"] for o in held["Flags"]["selected_options"]] == ["u"]
    assert held["Mode"]["selected_option"]["value"] == "u"
    assert held["Day"]["selected_date"] == "2026-02-03"
    assert held["Hour"]["selected_time"] == "12:30"
    assert held["When"]["selected_date_time"] == 1_770_000_000
    assert held["Who"]["selected_user"] == "U0BOB"
    assert held["Where"]["selected_conversation"] == "C0RANDOM"
    assert held["Left"] == {"type": "plain_text_input", "value": None}


async def test_views_are_updated_pushed_closed_and_cleared(
    ws: Workspace, web: AsyncWebClient, app: AsyncApp
) -> None:
    closed: list[Any] = []

    @app.view("form")
    async def on_submit(ack: Any, view: Any) -> None:
        name = view["state"]["values"]["name.block"]["name"]["value"]
        more = modal(text_input("Step"), callback_id="form", notify_on_close=True)
        if name == "clear":
            await ack(response_action="clear")
        else:
            await ack(response_action=name, view=more)

    @app.view_closed("form")
    async def on_closed(ack: Any, body: Any) -> None:
        closed.append(body)
        await ack()

    alice = ws.member("alice")
    async with connected(ws, app):
        await opened(ws, web, modal(text_input()))
        assert alice.modal is not None
        root = alice.modal.id
        await alice.submits({"Name": "update"})
        assert (alice.modal.labels, alice.modal.id) == (["Step"], root)
        assert alice.modal.value("Step") == "update"
        await alice.submits({"Step": "push"})
        assert alice.modal.id != root
        assert alice.modal.view.root_id == root
        await alice.closes()
        assert alice.modal.id == root
        assert [(b["is_cleared"], b["view"]["previous_view_id"]) for b in closed] == [(False, root)]
        await alice.submits({"Step": "clear"})
    assert alice.modal is None


async def test_a_stack_holds_three_views(ws: Workspace, web: AsyncWebClient, app: AsyncApp) -> None:
    errors: list[str] = []

    @app.action("deeper")
    async def on_deeper(ack: Any, body: Any, client: Any) -> None:
        await ack()
        view = modal(actions(button("Deeper", "deeper")))
        try:
            await client.views_push(trigger_id=body["trigger_id"], view=view)
        except Exception as error:  # noqa: BLE001 - what Slack answers is the point
            errors.append(error.response["error"])  # type: ignore[attr-defined]

    async with connected(ws, app):
        await opened(ws, web, modal(actions(button("Deeper", "deeper"))))
        for _ in range(3):
            await ws.member("alice").presses("Deeper")
        await ws.until(lambda: ws.calls_of("views.push")[2:])
    assert errors == ["push_limit_reached"]
    assert len(ws.core.state.stacks["U0ALICE"]) == 3


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"no.such.block": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "dance"},
        {"response_action": "update", "view": {"type": "modal"}},
        {"ok": True},
    ],
)
async def test_a_wrong_answer_to_a_form_is_shown_as_trouble(
    ws: Workspace, web: AsyncWebClient, answer: dict[str, Any]
) -> None:
    await opened(ws, web, modal(text_input()))
    alice = ws.member("alice")
    url = (await web.apps_connections_open(app_token=ws.app_token))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.receive_json(timeout=5)
        submitting = asyncio.create_task(alice.submits({"Name": "x"}))
        envelope = await socket.receive_json(timeout=5)
        assert alice.modal is not None
        assert alice.modal.view.busy
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": answer})
        await submitting
    assert alice.modal.trouble == "We had some trouble connecting. Try again?"


async def test_a_form_that_is_not_acknowledged_stays(ws: Workspace, web: AsyncWebClient) -> None:
    await opened(ws, web, modal(text_input()))
    alice = ws.member("alice")
    await alice.submits({"Name": "x"})
    assert alice.modal is not None
    assert alice.modal.trouble == "We had some trouble connecting. Try again?"
    assert alice.modal.value("Name") == "x"


async def test_a_menu_searches_as_one_types(
    ws: Workspace, web: AsyncWebClient, app: AsyncApp
) -> None:
    @app.options("machine")
    async def on_options(ack: Any, body: Any) -> None:
        found = [option(n, n) for n in ("trainer", "transcoder", "web") if body["value"] in n]
        assert body["view"]["state"] == {"values": {}}  # other inputs are not told here
        await ack(options=found)

    element = {"type": "external_select", "action_id": "machine", "min_query_length": 0}
    async with connected(ws, app):
        await opened(
            ws, web, modal({"type": "input", "label": plain("Machine"), "element": element})
        )
        alice = ws.member("alice")
        assert await alice.suggests("Machine", "tra") == ["trainer", "transcoder"]
        await alice.fills({"Machine": "trainer"})
        assert alice.modal is not None
        assert alice.modal.value("Machine") == "trainer"


async def test_options_beyond_the_limit_cannot_be_shown(
    ws: Workspace, web: AsyncWebClient, app: AsyncApp
) -> None:
    @app.options("machine")
    async def on_options(ack: Any) -> None:
        await ack(options=[option("x" * 76, "x")])

    element = {"type": "external_select", "action_id": "machine", "min_query_length": 0}
    async with connected(ws, app):
        await web.chat_postMessage(channel=GPU_OPS, text="t", blocks=[actions(element)])
        with pytest.raises(CannotDo, match="must be less than 76 characters"):
            await ws.member("alice").suggests("machine", "")


async def test_a_press_tells_who_where_and_what(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    menu = {
        "type": "static_select",
        "action_id": "size",
        "options": [option("Big", "b"), option("Small", "s")],
    }
    posted = await web.chat_postMessage(
        channel=GPU_OPS, text="t", blocks=[actions(button(value="42"), menu, block_id="row")]
    )
    await alice.chooses("size", "Small")
    await alice.presses("Go", alice.last("gpu-ops"))
    body = ws.deliveries[-1].payload
    assert body["type"] == "block_actions"
    assert body["user"]["id"] == alice.id
    assert body["team"]["id"] == body["user"]["team_id"]
    assert body["container"]["message_ts"] == posted["ts"]
    assert body["channel"] == {"id": GPU_OPS, "name": "gpu-ops"}
    assert body["message"]["ts"] == posted["ts"]
    assert body["actions"][0]["value"] == "42"
    assert body["actions"][0]["block_id"] == "row"
    assert body["state"]["values"]["row"]["size"]["selected_option"]["value"] == "s"
    assert body["response_url"].startswith(ws.url)
    assert alice.notices[-1].startswith("Something went wrong")


async def test_a_press_on_an_ephemeral_message_carries_no_message(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice = ws.member("alice")
    await web.chat_postEphemeral(
        channel=GPU_OPS, user=alice.id, text="t", blocks=[actions(button())]
    )
    await alice.presses("Go")
    body = ws.deliveries[-1].payload
    assert "message" not in body
    assert body["container"]["is_ephemeral"] is True
    with pytest.raises(CannotDo):
        await ws.member("bob").presses("Go")


async def test_the_home_tab_opens_and_its_buttons_work(
    ws: Workspace, web: AsyncWebClient, app: AsyncApp
) -> None:
    @app.event("app_home_opened")
    async def on_home(event: Any, client: Any) -> None:
        assert event["tab"] == "home"
        view = {"type": "home", "blocks": [section("yours"), actions(button())]}
        await client.views_publish(user_id=event["user"], view=view)

    @app.action("go")
    async def on_go(ack: Any, body: Any, client: Any) -> None:
        await ack()
        assert body["container"]["type"] == "view"
        view = {"type": "home", "blocks": [section("gone")]}
        await client.views_publish(user_id=body["user"]["id"], view=view, hash=body["view"]["hash"])

    alice = ws.member("alice")
    async with connected(ws, app):
        await alice.opens_home()
        await alice.sees_home("yours")
        await alice.presses("Go", on_home=True)
        await alice.sees_home("gone")


async def test_a_message_shortcut_brings_the_message(ws: Workspace) -> None:
    alice = ws.member("alice")
    await alice.types("look at this")
    await alice.uses_shortcut("followup", alice.last("gpu-ops"))
    body = ws.deliveries[-1].payload
    assert (body["type"], body["callback_id"]) == ("message_action", "followup")
    assert body["message"]["text"] == "look at this"


async def test_only_granted_views_are_pushed(ws: Workspace, web: AsyncWebClient) -> None:
    trigger_id = ws.core.state.new_trigger(ws.member("alice").id)
    answer = await refused(web.views_push(trigger_id=trigger_id, view=modal(section())))
    assert answer["error"] == "not_found"


@pytest.mark.parametrize("whom", ["@dbc", "dbc", "<@U0DBC>", "<@U0DBC|dbc>"])
async def test_invite_lets_the_app_into_a_channel(
    ws: Workspace, web: AsyncWebClient, whom: str
) -> None:
    answer = await refused(web.chat_postMessage(channel="C0RANDOM", text="hello"))
    assert answer["error"] == "not_in_channel"
    await ws.member("alice").types(f"/invite {whom}", "random")
    assert "was added to" in ws.member("alice").last("random").plain
    await web.chat_postMessage(channel="C0RANDOM", text="hello")
    assert [d for d in ws.deliveries if d.type == "app_mention"] == []
    with pytest.raises(CannotDo, match="is in #random already"):
        await ws.member("alice").types(f"/invite {whom}", "random")


async def test_invite_needs_somebody_and_a_channel(ws: Workspace) -> None:
    alice = ws.member("alice")
    with pytest.raises(CannotDo, match="There is nobody called"):
        await alice.types("/invite @nobody", "random")
    with pytest.raises(CannotDo, match="channels only"):
        await alice.types("/invite @bob", "@dbc")
