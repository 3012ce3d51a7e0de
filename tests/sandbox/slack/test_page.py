"""What the browser page gets and does."""

import asyncio
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from sandbox.slack.page import _stream, screen
from tests.sandbox.slack.conftest import modal, section, text_input


async def act(ws: Workspace, **request: Any) -> Any:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{ws.url}page/act", json=request) as answer,
    ):
        return await answer.json()


@pytest.mark.parametrize("path", ["", "main.js", "style.css"])
async def test_the_page_and_its_files_are_served(ws: Workspace, path: str) -> None:
    async with aiohttp.ClientSession() as http, http.get(ws.url + path) as answer:
        assert answer.status == 200


async def test_the_page_knows_whom_one_can_act_as(ws: Workspace) -> None:
    ws.add_member("dave", deleted=True)
    async with aiohttp.ClientSession() as http, http.get(f"{ws.url}page/people") as answer:
        people = await answer.json()
    assert [p["name"] for p in people["people"]] == ["alice", "bob", "carol"]
    assert people["bot"] == {"id": ws.bot.id, "name": "dbc"}


async def test_a_screen_comes_at_once_and_with_every_change(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice, bob = ws.member("alice"), ws.member("bob")
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{ws.url}page/socket?as={alice.id}") as socket,
    ):
        first = await socket.receive_json(timeout=5)
        assert first["me"] == alice.id
        assert {c["name"] for c in first["channels"]} == {"gpu-ops", "random", "ops-secret", "dbc"}
        await web.chat_postMessage(channel="C0GPUOPS", text=f"<@{alice.id}> hi", blocks=[section()])
        await web.chat_postEphemeral(channel="C0GPUOPS", user=bob.id, text="for bob")
        second = await socket.receive_json(timeout=5)
        while second["channels"][0]["unread"] == 0:
            second = await socket.receive_json(timeout=5)
    gpu_ops = second["channels"][0]
    assert (gpu_ops["unread"], gpu_ops["mentions"]) == (1, 1)
    assert [m["text"] for m in gpu_ops["messages"]] == [f"<@{alice.id}> hi"]
    assert gpu_ops["messages"][0]["bot"] is True


class BusyBrowser:
    """A page's socket: while the first screen is on its way to it, something happens."""

    def __init__(self, ws: Workspace, person: str) -> None:
        self.screens: asyncio.Queue[str] = asyncio.Queue()
        self._ws = ws
        self._person = person

    async def send_str(self, text: str) -> None:
        if self.screens.empty():
            self._ws.core.state.notify(self._person, "C0GPUOPS", "meanwhile")
        self.screens.put_nowait(text)


async def test_what_changes_while_a_screen_is_on_its_way_is_shown_by_itself(ws: Workspace) -> None:
    alice = ws.core.state.members[ws.member("alice").id]
    browser = BusyBrowser(ws, alice.id)
    stream = asyncio.create_task(_stream(ws.core, alice, cast(web.WebSocketResponse, browser)))
    try:
        async with asyncio.timeout(5):
            while "meanwhile" not in await browser.screens.get():
                pass
    finally:
        stream.cancel()


async def test_a_line_is_posted_and_read(ws: Workspace) -> None:
    alice, bob = ws.member("alice"), ws.member("bob")
    posted = await act(
        ws, **{"as": alice.id}, kind="post", channel="C0GPUOPS", text="@bob a < b & c"
    )
    assert posted["ok"]
    assert alice.last("gpu-ops").text == f"<@{bob.id}> a &lt; b &amp; c"
    assert screen(ws.core, bob.member)["channels"][0]["unread"] == 1
    assert (await act(ws, **{"as": bob.id}, kind="read", channel="C0GPUOPS"))["ok"]
    assert screen(ws.core, bob.member)["channels"][0]["unread"] == 0


async def test_a_command_in_a_thread_is_refused_with_a_sentence(ws: Workspace) -> None:
    alice = ws.member("alice")
    await alice.types("hello")
    answer = await act(
        ws,
        **{"as": alice.id},
        kind="post",
        channel="C0GPUOPS",
        text="/dbc vm list",
        thread_ts=alice.last("gpu-ops").ts,
    )
    assert not answer["ok"]
    assert answer["error"] == "/dbc is not supported in threads. Sorry!"


async def test_a_form_is_filled_on_the_page(ws: Workspace, web: AsyncWebClient) -> None:
    alice = ws.member("alice")
    trigger_id = ws.core.state.new_trigger(alice.id)
    opened = await web.views_open(trigger_id=trigger_id, view=modal(text_input()))
    view_id = opened["view"]["id"]
    answer = await act(ws, **{"as": alice.id}, kind="submit", view_id=view_id, values={})
    assert answer["ok"]
    assert alice.modal is not None
    assert alice.modal.errors == {"Name": "Please complete this required field."}
    assert (await act(ws, **{"as": alice.id}, kind="close", view_id=view_id))["ok"]
    assert alice.modal is None


async def test_the_control_api_takes_rights_away(ws: Workspace, web: AsyncWebClient) -> None:
    group = ws.add_usergroup("leads", "alice", "bob")
    async with aiohttp.ClientSession() as http:
        changes = {
            "usergroup": {"handle": "leads", "members": ["alice"]},
            "member": {"name": "bob", "is_restricted": True},
        }
        for what, change in changes.items():
            async with http.post(f"{ws.url}control/{what}", json=change) as answer:
                assert (await answer.json())["ok"]
        async with http.post(f"{ws.url}control/usergroup", json={"handle": "no"}) as answer:
            assert answer.status == 400
    users = await web.usergroups_users_list(usergroup=group.id)
    assert users["users"] == [ws.member("alice").id]
    bob = await web.users_info(user=ws.member("bob").id)
    assert bob["user"]["is_restricted"]


async def test_the_control_api_switches_failures_and_shows_calls(
    ws: Workspace, web: AsyncWebClient
) -> None:
    async with aiohttp.ClientSession() as http:
        fault = {"kind": "error", "method": "auth.test", "error": "fatal_error"}
        async with http.post(f"{ws.url}control/faults", json=fault) as answer:
            assert answer.status == 200
        await web.api_call("team.info")
        async with http.post(f"{ws.url}control/calls", json={"method": "team.info"}) as answer:
            calls = (await answer.json())["calls"]
    assert [call["method"] for call in calls] == ["team.info"]
    assert [fault.error for fault in ws.faults.pending] == ["fatal_error"]
