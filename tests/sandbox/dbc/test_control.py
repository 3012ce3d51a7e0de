"""The demo's world and its levers."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.dbc import (
    Daemon,
    ManualClock,
    RunningClock,
    World,
    control_app,
    demo_renter,
    demo_world,
)
from tests.sandbox.dbc.conftest import Caller, seconds

Http = TestClient[web.Request, web.Application]


@pytest.fixture
def world(clock: ManualClock) -> World:
    return demo_world(clock)


@pytest.fixture
async def http(world: World, daemon: Daemon) -> AsyncIterator[Http]:
    app = web.Application()
    app.add_subapp("/dbc/", control_app(world, demo_renter(), [daemon]))
    async with TestClient(TestServer(app)) as client:
        yield client


def test_demo_world_is_the_same_every_time(world: World) -> None:
    again = demo_world(ManualClock())
    assert world.nodes.keys() == again.nodes.keys()
    assert world.node("gpu1").tasks.keys() == again.node("gpu1").tasks.keys()
    assert all(len(node_id) == 64 for node_id in world.nodes)


async def test_state_shows_the_machine_room(http: Http) -> None:
    state = await (await http.get("/dbc/state")).json()
    gpu1, gpu2, gpu3 = state["nodes"]
    assert [task["status"] for task in gpu1["tasks"]] == ["running", "running"]
    assert (gpu2["gpus"], gpu3["silent"]) == (4, True)
    assert set(state["image_servers"]) == {"hub", "backup"}
    assert len(state["metal"][0]["machines"]) == 2


async def test_credentials_open_every_node(http: Http, daemon: Daemon) -> None:
    found = await (await http.get("/dbc/credentials")).json()
    assert len(found["sessions"]) == 5
    session = found["sessions"][0]
    async with aiohttp.ClientSession() as client:
        caller = Caller(client, daemon.url, demo_renter())
        pair = {name: session[name] for name in ("session_id", "session_id_sign")}
        outcome = await caller.send("/tasks", session["node_id"], {}, **pair)
    assert len(outcome.message) == 2


async def test_faults_are_switched_on_and_off(http: Http, world: World) -> None:
    given = {"name": "slow", "node": "gpu1", "seconds": 2, "count": 3}
    assert (await http.post("/dbc/faults", json=given)).status == 200
    (fault,) = world.faults.active
    assert (fault.node, fault.count, fault.delay) == ("gpu1", 3, seconds(2))
    assert (await http.post("/dbc/faults", json={"name": "nonsense"})).status == 400
    assert (await http.delete("/dbc/faults/hang")).status == 200
    assert len(world.faults.active) == 1
    await http.delete("/dbc/faults")
    assert world.faults.active == []


async def test_clock_is_advanced(http: Http, clock: ManualClock) -> None:
    before = clock.now()
    assert (await http.post("/dbc/advance", json={"seconds": 90})).status == 200
    assert clock.now() - before == seconds(90)


async def test_node_and_daemon_are_brought_down_and_back(
    http: Http, world: World, daemon: Daemon
) -> None:
    await http.post("/dbc/nodes/gpu3", json={"silent": False})
    assert world.node("gpu3").silent is False
    assert (await http.post("/dbc/nodes/gpu9", json={})).status == 404
    await http.post("/dbc/nodes/gpu1", json={"chain_down": 9})
    assert world.node("gpu1").chain.is_down(world.clock.now())
    assert (await http.post("/dbc/nodes/gpu1", json={"chain_down": "x"})).status == 400
    await http.post("/dbc/daemons/daemon/crash")
    assert not daemon.is_up
    await http.post("/dbc/daemons/daemon/restart")
    assert daemon.is_up
    assert daemon.crashes == 1


async def test_running_clock_hurries_and_can_be_pushed() -> None:
    clock = RunningClock(speed=1000)
    before = clock.now()
    await clock.sleep(seconds(5))
    assert clock.now() - before >= seconds(5)
    assert clock.advance(seconds(3600)) - before >= seconds(3605)
