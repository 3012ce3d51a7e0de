"""Reads that get no answer: repeated once, and failed over to the next daemon."""

import pytest
from pydantic import SecretStr

from bot.dbc.client import DbcClient
from bot.dbc.errors import (
    ConnectionLost,
    DbcError,
    NodeUnknown,
)
from bot.dbc.identity import Target, WalletSignature
from tests.dbc.conftest import (
    DISCONNECTED,
    EMPTY,
    NODE,
    TIMED_OUT,
    UNKNOWN_NODE,
    Connect,
    FakeDaemon,
    Handler,
    hang,
    in_turn,
    reply,
    reset,
)


async def test_read_is_sent_once_more_after_a_reset(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = in_turn(reset, EMPTY)
    assert await dbc.tasks.list(target) == ()
    assert len(daemon.requests) == 2


async def test_read_is_not_sent_a_third_time(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reset
    with pytest.raises(ConnectionLost):
        await dbc.tasks.list(target)
    assert len(daemon.requests) == 2


@pytest.mark.parametrize(
    "first",
    [reset, DISCONNECTED, UNKNOWN_NODE, reply(-32701, "create request session failed", 400)],
)
async def test_read_fails_over_to_the_next_daemon(
    first: Handler, daemon: FakeDaemon, second: FakeDaemon, connect: Connect, target: Target
) -> None:
    daemon.answer, second.answer = first, EMPTY
    assert await connect(daemon, second).tasks.list(target) == ()
    assert len(daemon.requests) == len(second.requests) == 1


@pytest.mark.parametrize("first", [hang, TIMED_OUT, reply(-3, "task_id not exist")])
async def test_read_that_the_node_answered_or_ignored_goes_to_no_other_daemon(
    first: Handler, daemon: FakeDaemon, second: FakeDaemon, connect: Connect, target: Target
) -> None:
    daemon.answer = first
    with pytest.raises(DbcError):
        await connect(daemon, second).tasks.list(target)
    assert second.requests == []


async def test_daemon_that_answered_is_believed_over_one_that_is_down(
    closed: str, second: FakeDaemon, connect: Connect, target: Target
) -> None:
    second.answer = UNKNOWN_NODE
    with pytest.raises(NodeUnknown):
        await connect(closed, second).tasks.list(target)


async def test_one_time_signature_is_not_used_twice(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reset
    wallet = WalletSignature(
        wallet="5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        nonce=SecretStr("nonce1"),
        sign=SecretStr("0" * 128),
    )
    with pytest.raises(ConnectionLost):
        await dbc.nodes.session_id(NODE, wallet)
    assert len(daemon.requests) == 1
