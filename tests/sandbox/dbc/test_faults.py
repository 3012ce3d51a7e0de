"""Faults on request, crashes, lost timers and the record of calls."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox.dbc import Daemon, ManualClock, Node, Wallet, World
from sandbox.dbc.front.forward import MAX_PENDING
from tests.sandbox.dbc.conftest import CREATE, Caller, seconds

CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


def later(caller: Caller, path: str, node: Node) -> asyncio.Task[Any]:
    return asyncio.create_task(caller.ask(path, node))


async def test_dead_node_is_given_up_after_thirty_seconds_of_the_clock(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    node.silent = True
    waiting = later(caller, "/tasks", node)
    await clock.sleeping()
    clock.advance(seconds(29))
    assert not waiting.done()
    clock.advance(seconds(1))
    outcome = await waiting
    assert (outcome.status, outcome.code, outcome.text) == (500, -1, "list task timeout")


async def test_dead_node_is_forgotten_after_five_minutes(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    node.die()
    clock.advance(seconds(300))
    assert (await caller.ask("/tasks", node)).text == "create node request failed"
    assert (await caller.ask("/mining_nodes", None)).message == {"mining_nodes": []}
    node.revive()
    assert (await caller.ask("/tasks", node)).code == 0


async def test_timeout_can_hide_that_the_work_was_done(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    world.faults.on("timeout_after_doing", path="/tasks/start", count=1)
    waiting = asyncio.create_task(caller.send("/tasks/start", node, dict(CREATE)))
    await clock.sleeping()
    clock.advance(seconds(30))
    assert (await waiting).text == "create task timeout"
    assert len((await caller.ask("/tasks", node)).message) == 1


@pytest.mark.parametrize(("name", "done"), [("reset_before", 0), ("reset_after", 1)])
async def test_connection_is_cut_before_or_after_the_work(
    caller: Caller, node: Node, world: World, name: str, done: int
) -> None:
    world.faults.on(name, count=1)
    with pytest.raises(CUT):
        await caller.send("/tasks/start", node, dict(CREATE))
    assert len(node.tasks) == done


async def test_proxy_page_instead_of_an_answer(caller: Caller, node: Node, world: World) -> None:
    world.faults.on("html_body", count=1)
    response = await caller.raw("/tasks/start", b"{}")
    assert response.status == 502
    assert response.content_type == "text/html"
    assert node.tasks == {}


async def test_answer_cut_off_in_the_middle_is_no_json(
    caller: Caller, node: Node, world: World
) -> None:
    world.faults.on("bad_json", count=1)
    with pytest.raises(json.JSONDecodeError):
        await caller.send("/tasks/start", node, dict(CREATE))
    assert len(node.tasks) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unknown_node", "create node request failed"),
        ("slots_full", "create request session failed"),
        ("disconnected", "broadcast request failed"),
    ],
)
async def test_daemon_cannot_forward(
    caller: Caller, node: Node, world: World, name: str, text: str
) -> None:
    world.faults.on(name)
    outcome = await caller.send("/tasks/start", node, dict(CREATE))
    assert (outcome.status, outcome.code, outcome.text) == (400, -32701, text)
    assert node.tasks == {}


async def test_disconnected_daemon_crashes_thirty_seconds_later(
    caller: Caller, node: Node, world: World, clock: ManualClock, daemon: Daemon
) -> None:
    world.faults.on("disconnected", count=1)
    await caller.ask("/tasks", node)
    await clock.sleeping()
    clock.advance(seconds(30))
    await asyncio.sleep(0)
    with pytest.raises(CUT):
        await caller.ask("/tasks", node)
    assert daemon.crashes == 1


async def test_hanging_call_is_never_answered(caller: Caller, node: Node, world: World) -> None:
    world.faults.on("hang", count=1)
    waiting = later(caller, "/tasks", node)
    await world.wait_for_call("tasks.list")
    assert (await caller.ask("/tasks", node)).code == 0
    assert not waiting.done()
    waiting.cancel()


async def test_slow_node_delays_everybody_else_on_it(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    world.faults.on("slow", count=1, seconds=6)
    first = later(caller, "/tasks", node)
    await clock.sleeping(2)
    second = later(caller, "/mining_nodes", node)
    await clock.sleeping(3)
    clock.advance(seconds(6))
    assert (await first).code == 0
    assert (await second).code == 0


async def test_a_slow_node_is_in_time_by_the_clock_however_soon_silence_is_given_up(
    renter: Wallet, node: Node, world: World, clock: ManualClock
) -> None:
    world.faults.on("slow", count=1, seconds=29)
    async with Daemon(world, timeout=0) as daemon, aiohttp.ClientSession() as http:
        waiting = later(caller := Caller(http, daemon.url, renter), "/tasks", node)
        await clock.sleeping()
        assert (await caller.ask("/mining_nodes", None)).code == 0  # by then that time is over
        clock.advance(seconds(29))
        assert (await waiting).code == 0


async def test_node_slower_than_the_limit_times_out_and_finishes_for_nobody(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    world.faults.on("slow", path="/tasks/start", count=1, seconds=40)
    waiting = asyncio.create_task(caller.send("/tasks/start", node, dict(CREATE)))
    await clock.sleeping(2)
    clock.advance(seconds(30))
    assert (await waiting).text == "create task timeout"
    assert node.tasks == {}
    clock.advance(seconds(10))
    assert len((await caller.ask("/tasks", node)).message) == 1


async def test_late_request_is_carried_out_while_others_are_answered(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    world.faults.on("late", path="/tasks/start", count=1, seconds=145)
    waiting = asyncio.create_task(caller.send("/tasks/start", node, dict(CREATE)))
    await clock.sleeping(2)
    clock.advance(seconds(30))
    assert (await waiting).text == "create task timeout"
    clock.advance(seconds(96))
    assert (await caller.ask("/tasks", node)).message == []
    clock.advance(seconds(19))
    assert len((await caller.ask("/tasks", node)).message) == 1


async def test_fault_is_limited_to_its_node_path_and_count(
    caller: Caller, node: Node, world: World, renter: Wallet
) -> None:
    other = world.add_node("gpu2")
    other.rent(renter)
    world.faults.on("unknown_node", node="gpu2", path="/tasks", count=2)
    assert (await caller.ask("/tasks", node)).code == 0
    assert (await caller.ask("/images", other)).code == 0
    codes = [(await caller.ask("/tasks", other)).code for _ in range(3)]
    assert codes == [-32701, -32701, 0]


def test_unknown_fault_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="no such"):
        world.faults.on("no such")


DEADLY: list[tuple[str, Any]] = [
    ("/tasks", {"peer_nodes_list": [123], "additional": {}}),
    ("/tasks", {"peer_nodes_list": [None], "additional": {}}),
    ("/mining_nodes", {"peer_nodes_list": [{}], "additional": {}}),
    ("/tasks", {"peer_nodes_list": [], "additional": {}, "multisig_accounts": {"wallets": [1]}}),
    (
        "/tasks",
        {
            "peer_nodes_list": [],
            "additional": {},
            "multisig_accounts": {"wallets": [], "threshold": "1", "signs": [{}]},
        },
    ),
    ("/deeplink/set", {"peer_nodes_list": []}),
    ("/tasks", b"[" * 200_000),
]


@pytest.mark.parametrize(("path", "body"), DEADLY)
async def test_deadly_request_kills_the_daemon_until_it_is_restarted(
    caller: Caller, node: Node, clock: ManualClock, daemon: Daemon, path: str, body: Any
) -> None:
    with pytest.raises(CUT):
        await caller.raw(path, body)
    assert (daemon.crashes, daemon.is_up) == (1, False)
    with pytest.raises(CUT):
        await caller.ask("/tasks", node)
    await daemon.restart()
    assert (await caller.ask("/mining_nodes", None)).message == {"mining_nodes": []}
    assert (await caller.ask("/tasks", node)).text == "create node request failed"
    clock.advance(seconds(10))
    assert (await caller.ask("/tasks", node)).code == 0


async def test_deep_json_that_the_real_daemon_survives_is_only_refused(
    caller: Caller, daemon: Daemon
) -> None:
    response = await caller.raw("/tasks", b"[" * 20_000)
    assert response.status == 400
    assert daemon.crashes == 0


@pytest.mark.parametrize(
    ("path", "additional"),
    [
        ("/tasks/start", CREATE | {"multicast": ["example.org:5558"]}),
        ("/lan/create", {"network_name": "lan001", "ip_cidr": "example/24"}),
    ],
)
async def test_request_that_kills_the_node_is_not_answered(
    caller: Caller, node: Node, clock: ManualClock, path: str, additional: dict[str, Any]
) -> None:
    waiting = asyncio.create_task(caller.send(path, node, additional))
    await clock.sleeping()
    clock.advance(seconds(30))
    assert (await waiting).status == 500


async def test_second_request_of_a_kind_at_a_dead_node_is_never_answered(
    world: World, node: Node, clock: ManualClock, renter: Wallet
) -> None:
    node.silent = True
    async with Daemon(world, loses_timers=True) as daemon, aiohttp.ClientSession() as http:
        caller = Caller(http, daemon.url, renter)
        first = later(caller, "/tasks", node)
        await clock.sleeping(1)
        clock.advance(seconds(5))
        second = later(caller, "/tasks", node)
        await clock.sleeping(2)
        clock.advance(seconds(25))
        assert (await first).text == "list task timeout"
        clock.advance(seconds(60))
        node.silent = False
        assert (await caller.ask("/mining_nodes", node.node_id)).code == 0
        assert not second.done()
        assert daemon.forwarder.pending == 1
        second.cancel()


async def test_daemon_refuses_more_than_its_slots(
    caller: Caller, node: Node, daemon: Daemon
) -> None:
    daemon.forwarder.pending = MAX_PENDING
    outcome = await caller.ask("/tasks", node)
    assert outcome.text == "create request session failed"
    assert (await caller.ask("/mining_nodes", None)).code == 0


async def test_calls_are_recorded_with_what_they_are_about(
    caller: Caller, node: Node, world: World, renter: Wallet
) -> None:
    task_id = await caller.create(node)
    await caller.ask(f"/tasks/restart/{task_id}?force_reboot=true", node)
    await caller.ask(f"/tasks/{task_id}", node)
    assert [call.op for call in world.calls] == ["tasks.create", "tasks.restart", "tasks.detail"]
    assert [call.op for call in world.changing_calls()] == ["tasks.create", "tasks.restart"]
    (restart,) = world.changing_calls("tasks.restart")
    assert (restart.node_name, restart.task_id) == ("gpu1", task_id)
    assert restart.path == f"/api/v1/tasks/restart/{task_id}?force_reboot=true"
    assert restart.envelope["session_id_sign"]
    assert (restart.status, json.loads(restart.reply)["errcode"]) == (200, 1)


async def test_waiting_for_a_call_that_comes_later(
    caller: Caller, node: Node, world: World
) -> None:
    waiting = asyncio.create_task(world.wait_for_call("tasks.list", count=2))
    await caller.ask("/tasks", node)
    assert not waiting.done()
    await caller.ask("/tasks", node)
    assert (await waiting).node_name == "gpu1"


async def test_two_daemons_front_one_world(
    caller: Caller, node: Node, world: World, renter: Wallet
) -> None:
    async with Daemon(world, name="second") as other, aiohttp.ClientSession() as http:
        task_id = await caller.create(node)
        elsewhere = Caller(http, other.url, renter)
        assert await elsewhere.status(node, task_id) == "creating"
    assert [call.daemon for call in world.calls] == ["daemon", "second"]


async def test_body_over_the_limit_cuts_the_connection(caller: Caller) -> None:
    limit = 33_554_432
    largest = b'{"peer_nodes_list": [], "additional": {}}'.ljust(limit)
    assert (await caller.raw("/mining_nodes", largest)).status == 200
    with pytest.raises(CUT):
        await caller.raw("/mining_nodes", largest + b" ")
