"""response_url: five uses, thirty minutes, checked like a message."""

from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import Workspace
from tests.sandbox.slack.conftest import actions, button, section

GPU_OPS = "C0GPUOPS"


async def response_url(ws: Workspace) -> str:
    await ws.member("alice").types("/dbc help")
    return str(ws.deliveries[-1].payload["response_url"])


async def post(url: str, **body: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as answer:
        return answer.status, await answer.text()


async def test_a_response_url_works_five_times(ws: Workspace) -> None:
    url = await response_url(ws)
    for number in range(5):
        assert await post(url, text=str(number)) == (200, "ok")
    status, text = await post(url, text="6")
    assert (status, "used_url" in text) == (404, True)
    assert all(m.ephemeral for m in ws.member("alice").messages("gpu-ops"))


async def test_a_response_url_works_for_thirty_minutes(ws: Workspace) -> None:
    url = await response_url(ws)
    ws.wind(timedelta(minutes=29))
    assert (await post(url, text="late", response_type="in_channel"))[0] == 200
    assert ws.member("bob").last("gpu-ops").text == "late"
    ws.wind(timedelta(minutes=2))
    status, text = await post(url, text="later")
    assert (status, "expired_url" in text) == (404, True)


async def test_a_response_is_checked_like_a_message(ws: Workspace) -> None:
    url = await response_url(ws)
    status, text = await post(url, text="t", blocks=[section("x" * 3001)])
    assert (status, "invalid_blocks" in text) == (400, True)
    assert (await post(url))[0] == 400


async def test_an_ephemeral_message_is_replaced_and_deleted_through_its_response_url(
    ws: Workspace, web: AsyncWebClient
) -> None:
    alice = ws.member("alice")
    await web.chat_postEphemeral(
        channel=GPU_OPS, user=alice.id, text="sure?", blocks=[section("sure?"), actions(button())]
    )
    await alice.presses("Go")
    url = ws.deliveries[-1].payload["response_url"]
    await post(url, text="done", replace_original=True)
    assert [m.plain for m in alice.messages("gpu-ops")] == ["done"]
    await post(url, delete_original=True)
    assert alice.messages("gpu-ops") == []
