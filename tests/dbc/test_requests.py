"""What a request carries, and what it must not carry."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.dbc.client import DbcClient
from bot.dbc.endpoint import Auth, Request
from bot.dbc.errors import (
    Delivery,
    NotAuthorised,
)
from bot.dbc.identity import NodeKeySignature, SessionPair, Target
from bot.dbc.reasons import Reason
from tests.dbc.conftest import (
    EMPTY,
    NODE,
    TASK,
    FakeDaemon,
)


async def test_request_closes_its_connection_and_carries_the_envelope(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(f"{request.method} {request.headers['Connection']}")
        return await EMPTY(request)

    daemon.answer = answer
    pair = SessionPair.of("session1", "0x" + "a1" * 64)
    await dbc.tasks.list(Target(node_id=NODE, credentials=pair, rent_order="1287"))
    assert seen == ["POST close"]
    assert daemon.requests[0][1] == {
        "peer_nodes_list": [NODE],
        "additional": {},
        "session_id": "session1",
        "session_id_sign": "a1" * 64,
        "rent_order": "1287",
    }


@pytest.mark.parametrize("auth", [Auth.NONE, Auth.MANAGER_IF_GIVEN])
def test_a_session_is_not_sent_where_it_is_not_read(auth: Auth, target: Target) -> None:
    body = Request("/lan", target=target, auth=auth).body()
    assert json.loads(body) == {"peer_nodes_list": [NODE], "additional": {}}


async def test_credentials_are_not_sent_where_none_are_read(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    daemon.answer = EMPTY
    await dbc.nodes.list()
    await dbc.lans.list()
    await dbc.images.on_node(NODE)
    assert [body["peer_nodes_list"] for _, body in daemon.requests] == [[], [], [NODE]]
    assert all(set(body) == {"peer_nodes_list", "additional"} for _, body in daemon.requests)


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda d, t: d.tasks.list(t), Reason.NO_CREDENTIALS),
        (lambda d, t: d.tasks.start(t, TASK), Reason.NO_CREDENTIALS),
        (lambda d, t: d.metal.remove(t, NODE), Reason.MANAGER_KEY),
    ],
)
async def test_call_without_the_credentials_it_needs_is_not_sent(
    ask: Callable[[DbcClient, Target], Awaitable[Any]],
    reason: Reason,
    daemon: FakeDaemon,
    dbc: DbcClient,
) -> None:
    with pytest.raises(NotAuthorised) as caught:
        await ask(dbc, Target(node_id=NODE))
    assert caught.value.reason is reason
    assert caught.value.delivery is Delivery.NOT_SENT
    assert daemon.requests == []


async def test_managers_key_is_no_renters_credential(daemon: FakeDaemon, dbc: DbcClient) -> None:
    key = NodeKeySignature(wallet=NODE, nonce=SecretStr("n1"), sign=SecretStr("0" * 128))
    with pytest.raises(NotAuthorised):
        await dbc.tasks.list(Target(node_id=NODE, credentials=key))
    assert daemon.requests == []
