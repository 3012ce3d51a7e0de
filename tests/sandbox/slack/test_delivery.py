"""Socket Mode: acknowledgements, retries, duplicates, reconnects."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import HandClock, Workspace
from tests.sandbox.slack.conftest import connected


@asynccontextmanager
async def raw_socket(ws: Workspace) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    client = AsyncWebClient(base_url=ws.api_url)
    url = (await client.apps_connections_open(app_token=ws.app_token))["url"]
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        hello = await socket.receive_json(timeout=5)
        assert hello["type"] == "hello"
        yield socket


async def test_hello_counts_the_connections(ws: Workspace) -> None:
    client = AsyncWebClient(base_url=ws.api_url)
    async with raw_socket(ws), aiohttp.ClientSession() as http:
        url = (await client.apps_connections_open(app_token=ws.app_token))["url"]
        async with http.ws_connect(url) as second:
            hello = await second.receive_json(timeout=5)
        assert hello["num_connections"] == 2
        assert hello["connection_info"] == {"app_id": ws.core.state.app_id}
        assert "host" in hello["debug_info"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url)


async def test_a_ticket_expires(ws: Workspace, clock: HandClock) -> None:
    client = AsyncWebClient(base_url=ws.api_url)
    url = (await client.apps_connections_open(app_token=ws.app_token))["url"]
    clock.wind(timedelta(seconds=30))
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(url)


@pytest.mark.parametrize("status", [403, 500, 502])
async def test_a_ticket_is_used_up_by_a_handshake_that_failed(ws: Workspace, status: int) -> None:
    ws.sockets.faults.add("refused", status=status)
    client = AsyncWebClient(base_url=ws.api_url)
    url = (await client.apps_connections_open(app_token=ws.app_token))["url"]
    async with aiohttp.ClientSession() as http:
        for expected in (status, 403):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(url)
            assert refused.value.status == expected


async def test_a_half_open_socket_answers_nothing(ws: Workspace) -> None:
    async with raw_socket(ws) as socket:
        ws.sockets.freeze()
        assert not ws.connected
        await socket.ping()
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.2)


async def test_a_socket_told_to_go_is_closed_once_there_is_another(ws: Workspace) -> None:
    async with raw_socket(ws) as socket:
        await ws.sockets.disconnect("refresh_requested")
        assert (await socket.receive_json(timeout=5))["reason"] == "refresh_requested"
        async with raw_socket(ws):
            assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_an_envelope_goes_to_one_connection(ws: Workspace) -> None:
    async with raw_socket(ws) as one, raw_socket(ws) as two:
        await ws.member("alice").types("@dbc hello")
        looking = [asyncio.ensure_future(socket.receive()) for socket in (one, two)]
        done, other = await asyncio.wait(looking, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert len(done) == 1
        late, still = await asyncio.wait(other, timeout=0.1)
        assert not late
        for task in still:
            task.cancel()
    envelope = json.loads(done.pop().result().data)
    assert envelope["type"] == "events_api"
    assert envelope["accepts_response_payload"] is False
    assert (envelope["retry_attempt"], envelope["retry_reason"]) == (0, "")
    event = envelope["payload"]
    assert event["event"]["type"] == "app_mention"
    assert event["event"]["text"] == f"<@{ws.bot.id}> hello"
    assert event["authorizations"][0]["user_id"] == ws.bot.id


async def test_an_event_without_an_answer_comes_again(clock: HandClock) -> None:
    async with (
        Workspace(clock=clock, ack_seconds=0.1, retry_delays=(0, 0)) as ws,
        raw_socket(ws) as socket,
    ):
        await ws.member("alice").types("@dbc hello")
        envelopes = [await socket.receive_json(timeout=5) for _ in range(3)]
        await ws.idle()
    assert [e["retry_attempt"] for e in envelopes] == [0, 1, 2]
    assert [e["retry_reason"] for e in envelopes] == ["", "timeout", "timeout"]
    assert len({e["payload"]["event_id"] for e in envelopes}) == 1


async def test_a_command_without_an_answer_fails_in_slacks_words(clock: HandClock) -> None:
    async with Workspace(clock=clock, ack_seconds=0.1) as ws:
        alice = ws.member("alice")
        async with raw_socket(ws) as socket:
            await alice.types("/dbc vm list")
            envelope = await socket.receive_json(timeout=5)
            assert "retry_attempt" not in envelope
            assert envelope["accepts_response_payload"] is True
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.2)
    assert alice.notices == ['/dbc failed with the error "operation_timeout"']


async def test_a_command_with_nobody_connected_fails(ws: Workspace) -> None:
    await ws.member("alice").types("/dbc vm list")
    assert ws.member("alice").notices == ['/dbc failed with the error "dispatch_failed"']


async def test_the_answer_to_a_command_can_ride_on_its_acknowledgement(ws: Workspace) -> None:
    alice, bob = ws.member("alice"), ws.member("bob")
    async with raw_socket(ws) as socket:
        typing = asyncio.create_task(alice.types("/dbc help"))
        envelope = await socket.receive_json(timeout=5)
        payload = {"text": "for all", "response_type": "in_channel"}
        await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": payload})
        await typing
    assert bob.last("gpu-ops").text == "for all"


async def test_a_delivery_can_come_twice_at_once(ws: Workspace, app: AsyncApp) -> None:
    seen: list[str] = []

    @app.command("/dbc")
    async def on_slash(ack: Any, body: Any) -> None:
        seen.append(body["trigger_id"])
        await ack()

    async with connected(ws, app):
        ws.deliver_twice()
        await ws.member("alice").types("/dbc vm list")
        await ws.idle()
        assert len(seen) == 2
        assert (await ws.deliver_again("/dbc")).ok
    assert len(set(seen)) == 1
    assert len(seen) == 3


async def test_the_app_reconnects_when_asked(ws: Workspace, app: AsyncApp) -> None:
    @app.command("/dbc")
    async def on_slash(ack: Any) -> None:
        await ack("still here")

    async with connected(ws, app):
        before = ws.sockets.connections[0]
        await ws.sockets.disconnect("refresh_requested")
        await ws.until(lambda: ws.connected and before not in ws.sockets.connections)
        await ws.member("alice").types("/dbc help")
        await ws.member("alice").sees("still here")


async def test_the_app_reconnects_after_a_broken_connection(ws: Workspace, app: AsyncApp) -> None:
    async with connected(ws, app):
        before = ws.sockets.connections[0]
        ws.sockets.drop()
        await ws.until(lambda: ws.connected and before not in ws.sockets.connections)


async def test_the_bots_own_messages_cause_no_loop(ws: Workspace, app: AsyncApp) -> None:
    @app.event("message")
    async def on_message(say: Any) -> None:
        await say("pong")

    alice = ws.member("alice")
    async with connected(ws, app):
        await alice.types("ping", channel="@dbc")
        await alice.sees("pong", channel="@dbc")
        await ws.idle()
    assert [m.text for m in alice.messages("@dbc")] == ["ping", "pong"]
    own = ws.deliveries[-1].payload["event"]
    assert own["bot_id"] == ws.bot.bot_id


async def test_edits_and_deletions_in_a_direct_message_are_events_too(
    ws: Workspace, web: AsyncWebClient
) -> None:
    dm = ws.member("alice").id
    posted = await web.chat_postMessage(channel=dm, text="old")
    channel, ts = posted["channel"], posted["ts"]
    await web.chat_update(channel=channel, ts=ts, text="new")
    await web.chat_delete(channel=channel, ts=ts)
    changed, deleted = (d.payload["event"] for d in ws.deliveries[-2:])
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "new")
    assert changed["previous_message"]["text"] == "old"
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
