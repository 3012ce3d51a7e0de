"""The chain's levers: an order ends when one wants to see it end, and its nodes do what they do."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from sandbox.chain import Chain, RpcNode
from sandbox.chain_control import ChainControl
from sandbox.dbc import ManualClock, World, demo_renter

Http = TestClient[web.Request, web.Application]


@pytest.fixture
async def nodes(chain: Chain) -> AsyncIterator[list[RpcNode]]:
    async with RpcNode(chain) as one, RpcNode(chain) as other:
        yield [one, other]


@pytest.fixture
async def http(world: World, chain: Chain, nodes: list[RpcNode]) -> AsyncIterator[Http]:
    app = ChainControl(chain, nodes, world, demo_renter().address).application()
    async with TestClient(TestServer(app)) as client:
        yield client


async def _end(node: RpcNode, number: int = 1287, at: str | None = None) -> int | None:
    """What a node of the chain says of the order's end; None where it has none such."""
    asked = {"id": 1, "method": "rentMachine_getRentOrder", "params": [number, at]}
    async with aiohttp.ClientSession() as http, http.post(node.url, json=asked) as answer:
        found = await answer.json()
    return found["result"]["rentEnd"] if "result" in found else None


def _pass(clock: ManualClock, world: World, **time: float) -> None:
    clock.advance(timedelta(**time))
    world.settle()


async def test_an_order_ends_so_long_from_now(http: Http, chain: Chain, clock: ManualClock) -> None:
    assert (await http.post("/orders/1287/end", json={"minutes": 50})).status == 200
    shown = (await (await http.get("/state")).json())["orders"][0]
    assert (shown["node"], shown["state"], shown["in_seconds"]) == ("gpu1", "renting", 3000)
    clock.advance(timedelta(minutes=49))
    assert chain.rental(1287, chain.blocks.head) is not None
    clock.advance(timedelta(minutes=1))
    assert chain.rental(1287, chain.blocks.head) is None


async def test_an_end_in_the_past_is_read_once_and_then_the_order_is_gone(
    http: Http, chain: Chain, nodes: list[RpcNode], clock: ManualClock
) -> None:
    await http.post("/orders/1287/end", json={"days": -3})
    past = chain.blocks.head - 3 * 14_400
    clock.advance(timedelta(minutes=9))
    assert await _end(nodes[0]) == past  # the newest block is not final: nobody may rely on it
    final = chain.blocks.hash_of(chain.blocks.finalized)
    assert await _end(nodes[0], at=final) == past
    clock.advance(timedelta(minutes=1))
    assert await _end(nodes[0]) is None
    assert (await (await http.get("/state")).json())["orders"][0]["state"] == "ended"


async def test_the_node_switches_off_within_its_loop_and_deletes_after_three_days(
    http: Http, world: World, clock: ManualClock
) -> None:
    gpu1 = world.node("gpu1")
    await http.post("/orders/1287/end", json={"minutes": 0})
    _pass(clock, world, minutes=16)
    assert gpu1.tasks
    assert not any(task.is_running for task in gpu1.tasks.values())
    assert gpu1.chain.state.value == "online"  # whoever asks for a machine now is refused
    _pass(clock, world, hours=71)
    assert gpu1.tasks
    _pass(clock, world, hours=1, minutes=15)
    assert not gpu1.tasks


async def test_what_ended_three_days_ago_is_deleted_with_the_next_loop(
    http: Http, world: World, clock: ManualClock
) -> None:
    await http.post("/orders/1287/end", json={"days": -3, "minutes": -30})
    _pass(clock, world, minutes=15)
    assert not world.node("gpu1").tasks


async def test_a_machine_is_left_of_an_order_that_ended_long_ago(
    http: Http, world: World, clock: ManualClock, chain: Chain, nodes: list[RpcNode]
) -> None:
    node = world.node("gpu2")
    asked = {"node": "gpu2", "hours": 24, "minutes": 15}
    assert (await http.post("/ended", json=asked)).status == 200
    (task,) = [one for one in node.tasks.values() if one.rent_order == "1289"]
    assert not task.is_running
    assert await _end(nodes[0], 1289) is None
    ended = chain.blocks.hash_of(chain.rentals[1289].end - 1)
    assert await _end(nodes[0], 1289, ended) is None  # a node keeps the state of few blocks
    assert (await http.post("/ended", json={"node": "gpu2", "days": 4})).status == 409
    assert (await http.post("/ended", json={"node": "gpu9", "hours": 4})).status == 409
    _pass(clock, world, hours=24)
    assert task in node.tasks.values()
    _pass(clock, world, minutes=45)
    assert task not in node.tasks.values()


async def test_a_renewal_keeps_the_machines(
    http: Http, world: World, clock: ManualClock, chain: Chain
) -> None:
    await http.post("/orders/1287/end", json={"minutes": 50})
    assert (await http.post("/orders/1287/renew", json={"days": 3})).status == 200
    assert chain.rentals[1287].end == chain.blocks.head + 500 + 3 * 14_400
    _pass(clock, world, hours=2)
    assert all(task.is_running for task in world.node("gpu1").tasks.values())


async def test_an_order_is_confirmed_or_lapses_and_is_rented_again(
    http: Http, clock: ManualClock
) -> None:
    clock.advance(timedelta(minutes=16))
    late = await http.post("/orders/1288/confirm")
    assert (late.status, "15 minutes" in await late.text()) == (409, True)
    rented = await http.post("/rent", json={"node": "gpu2", "days": 3})
    assert (await rented.json())["orders"][-1]["state"] == "waiting"
    confirmed = await (await http.post("/orders/1289/confirm")).json()
    assert [one["state"] for one in confirmed["orders"]] == ["renting", "lapsed", "renting"]


async def test_the_nodes_of_the_chain_fall_ill_and_get_well(
    http: Http, chain: Chain, nodes: list[RpcNode], clock: ManualClock
) -> None:
    await http.post("/health", json={"is": "unreadable"})
    with pytest.raises(aiohttp.ClientError):
        await _end(nodes[0])
    await http.post("/health", json={"is": "contradicting"})
    assert (await _end(nodes[0]) is None, await _end(nodes[1]) is None) == (False, True)
    await http.post("/health", json={"is": "stuck"})
    before = chain.blocks.head
    clock.advance(timedelta(minutes=2))
    assert [node.head for node in nodes] == [before, before]
    await http.post("/health", json={"is": "well"})
    assert [node.head for node in nodes] == [before + 20] * 2
    assert (await http.post("/health", json={"is": "angry"})).status == 409


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/orders/1/end", {"minutes": 5}, 404),
        ("/orders/1287/end", {}, 409),
        ("/orders/1287/end", {"days": 1e300}, 409),
        ("/orders/1288/end", {"minutes": 5}, 409),  # it has to be confirmed first
        ("/rent", {"node": "gpu9", "days": 1}, 409),
        ("/rent", {"node": "gpu1", "days": 1}, 409),
    ],
)
async def test_what_cannot_be_says_why(
    http: Http, path: str, given: dict[str, float], status: int
) -> None:
    refused = await http.post(path, json=given)
    assert (refused.status, bool((await refused.json())["error"])) == (status, True)
