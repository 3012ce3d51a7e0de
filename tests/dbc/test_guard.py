"""Daemons left alone, nodes that stay silent, and turns for the rest."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.dbc.client import DbcClient
from bot.dbc.errors import (
    ChainUnavailable,
    DaemonDisconnected,
    Delivery,
    NodeSilent,
    NodeTimeout,
    TooBusy,
)
from bot.dbc.identity import Target
from bot.errors import BotError, NotFound
from bot.ids import NodeId
from tests.dbc.conftest import (
    DISCONNECTED,
    EMPTY,
    NODE,
    OTHER_NODE,
    PATIENT,
    TASK,
    TIMED_OUT,
    Connect,
    FakeDaemon,
    HandClock,
    Handler,
    in_turn,
    ok,
    reply,
)

# Daemons left alone


async def test_disconnected_daemon_is_left_alone_for_a_minute(
    daemon: FakeDaemon, dbc: DbcClient, target: Target, clock: HandClock
) -> None:
    daemon.answer = in_turn(DISCONNECTED, EMPTY)
    for _ in range(3):
        with pytest.raises(DaemonDisconnected) as caught:
            await dbc.tasks.list(target)
        assert caught.value.delivery is Delivery.NOT_SENT
    with pytest.raises(DaemonDisconnected):
        await dbc.tasks.start(target, TASK)
    assert len(daemon.requests) == 1
    clock.wind(seconds=59)
    with pytest.raises(DaemonDisconnected):
        await dbc.tasks.list(target)
    clock.wind(seconds=1)
    assert await dbc.tasks.list(target) == ()


async def test_change_goes_to_the_daemon_that_is_not_left_alone(
    daemon: FakeDaemon, second: FakeDaemon, connect: Connect, target: Target
) -> None:
    daemon.answer, second.answer = DISCONNECTED, in_turn(EMPTY, ok)
    dbc = connect(daemon, second)
    await dbc.tasks.list(target)
    await dbc.tasks.start(target, TASK)
    assert len(daemon.requests) == 1
    assert second.paths[-1] == f"/api/v1/tasks/start/{TASK}"


async def test_requests_that_were_waiting_do_not_reach_a_disconnected_daemon(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate(then=DISCONNECTED)
    daemon.answer = gate
    dbc = connect(daemon, limits=PATIENT)
    calls: list[Awaitable[Any]] = [dbc.tasks.list(target), dbc.tasks.list(target)]
    asked = [asyncio.ensure_future(call) for call in [*calls, dbc.tasks.get(target, TASK)]]
    await gate.wait_for(1)
    gate.open.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {DaemonDisconnected}
    assert len(daemon.requests) == 1


# Nodes that stay silent


async def silence(dbc: DbcClient, target: Target, times: int) -> None:
    for _ in range(times):
        with pytest.raises(NodeTimeout):
            await dbc.tasks.list(target)


async def test_silent_node_is_asked_less_and_less(
    daemon: FakeDaemon, dbc: DbcClient, target: Target, clock: HandClock
) -> None:
    daemon.answer = TIMED_OUT
    await silence(dbc, target, 3)
    asked = 3
    for pause in (30, 60, 120, 240, 300, 300):
        clock.wind(seconds=pause - 1)
        with pytest.raises(NodeSilent):
            await dbc.tasks.list(target)
        clock.wind(seconds=1)
        await silence(dbc, target, 1)
        asked += 1
        assert len(daemon.requests) == asked


async def test_an_answer_makes_a_silent_node_heard_again(
    daemon: FakeDaemon, dbc: DbcClient, target: Target, clock: HandClock
) -> None:
    daemon.answer = in_turn(TIMED_OUT, TIMED_OUT, TIMED_OUT, EMPTY, TIMED_OUT)
    await silence(dbc, target, 3)
    clock.wind(seconds=30)
    assert await dbc.tasks.list(target) == ()
    await silence(dbc, target, 3)
    with pytest.raises(NodeSilent):
        await dbc.tasks.list(target)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("task_id not exist", NotFound),
        ("check authority failed: query machine_status failed", ChainUnavailable),
    ],
)
async def test_refusal_by_the_node_counts_as_an_answer(
    said: str, error: type[BotError], daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    refusal = reply(-3, said)
    daemon.answer = in_turn(TIMED_OUT, TIMED_OUT, refusal, TIMED_OUT, TIMED_OUT, EMPTY)
    await silence(dbc, target, 2)
    with pytest.raises(error):
        await dbc.tasks.list(target)
    await silence(dbc, target, 2)
    assert await dbc.tasks.list(target) == ()


async def test_other_nodes_and_changes_are_not_held_up_by_a_silent_node(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = in_turn(TIMED_OUT, TIMED_OUT, TIMED_OUT, EMPTY, ok)
    await silence(dbc, target, 3)
    other = Target(node_id=OTHER_NODE, credentials=target.credentials)
    assert await dbc.tasks.list(other) == ()
    await dbc.tasks.start(target, TASK)


class Gate:
    """A handler that holds requests until it is opened."""

    def __init__(self, then: Handler = EMPTY) -> None:
        self.then = then
        self.held = 0
        self.most = 0
        self.arrived = asyncio.Condition()
        self.open = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        async with self.arrived:
            self.held += 1
            self.most = max(self.most, self.held)
            self.arrived.notify_all()
        await self.open.wait()
        self.held -= 1
        return await self.then(request)

    async def wait_for(self, number: int) -> None:
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(lambda: self.held >= number)


async def test_one_request_at_a_time_tries_a_silent_node(
    daemon: FakeDaemon, connect: Connect, target: Target, clock: HandClock
) -> None:
    dbc = connect(daemon, limits=PATIENT)
    gate = Gate()
    daemon.answer = in_turn(TIMED_OUT, TIMED_OUT, TIMED_OUT, gate)
    await silence(dbc, target, 3)
    clock.wind(seconds=30)
    trying = asyncio.create_task(dbc.tasks.list(target))
    await gate.wait_for(1)
    with pytest.raises(NodeSilent):
        await dbc.disks.list(target, TASK)
    gate.open.set()
    assert await trying == ()
    assert await dbc.disks.list(target, TASK) == ()


# Turns


async def run_through(gate: Gate, calls: list[Awaitable[Any]], expected: int) -> None:
    running = [asyncio.ensure_future(call) for call in calls]
    await gate.wait_for(expected)
    gate.open.set()
    await asyncio.gather(*running)
    assert gate.most == expected


async def test_requests_of_one_kind_at_one_node_wait_for_each_other(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate()
    daemon.answer = gate
    dbc = connect(daemon, limits=PATIENT)
    await run_through(gate, [dbc.tasks.list(target) for _ in range(5)], 1)


async def test_a_node_has_few_pending_requests(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate()
    daemon.answer = gate
    dbc = connect(daemon, limits=PATIENT)
    calls: list[Awaitable[Any]] = [
        dbc.tasks.list(target),
        dbc.disks.list(target, TASK),
        dbc.snapshots.list(target, TASK),
        dbc.lans.list(NODE),
    ]
    await run_through(gate, calls, 2)


async def test_reads_that_a_node_leaves_unanswered_hold_up_no_change(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate()
    daemon.answer = in_turn(gate, gate, ok)
    dbc = connect(daemon, limits=PATIENT)
    calls: list[Awaitable[Any]] = [dbc.tasks.list(target), dbc.disks.list(target, TASK)]
    asked = [asyncio.ensure_future(call) for call in calls]
    await gate.wait_for(2)
    async with asyncio.timeout(2):
        await dbc.tasks.restart(target, TASK)
    gate.open.set()
    await asyncio.gather(*asked)


async def test_a_daemon_has_few_pending_requests(daemon: FakeDaemon, connect: Connect) -> None:
    gate = Gate()
    daemon.answer = gate
    dbc = connect(daemon, limits=replace(PATIENT, per_daemon=3))
    await run_through(gate, [dbc.lans.list(NodeId(f"{n:064x}")) for n in range(8)], 3)


async def test_waiting_too_long_for_a_turn_is_surely_not_sent(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate()
    daemon.answer = gate
    dbc = connect(daemon, limits=replace(PATIENT, turn=timedelta(seconds=0.1)))
    first = asyncio.create_task(dbc.tasks.list(target))
    await gate.wait_for(1)
    with pytest.raises(TooBusy) as caught:
        await dbc.tasks.list(target)
    assert caught.value.delivery is Delivery.NOT_SENT
    gate.open.set()
    await first


async def test_a_request_that_nobody_waits_for_any_more_keeps_its_turn(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate(then=EMPTY)
    daemon.answer = gate
    dbc = connect(daemon, limits=PATIENT)
    first = asyncio.ensure_future(dbc.tasks.list(target))
    await gate.wait_for(1)
    first.cancel()
    second = asyncio.ensure_future(dbc.tasks.list(target))
    done, _ = await asyncio.wait([second], timeout=0.2)
    assert not done
    assert len(daemon.requests) == 1
    gate.open.set()
    assert await second == ()
    assert len(daemon.requests) == 2


async def test_a_request_that_was_not_sent_yet_is_not_sent_when_nobody_waits(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    gate = Gate(then=EMPTY)
    daemon.answer = gate
    dbc = connect(daemon, limits=PATIENT)
    first, second = (asyncio.ensure_future(dbc.tasks.list(target)) for _ in range(2))
    await gate.wait_for(1)
    second.cancel()
    gate.open.set()
    assert await first == ()
    assert await dbc.tasks.list(target) == ()
    assert len(daemon.requests) == 2
