"""A small world, a daemon before it, and someone who calls it as its renter."""

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from sandbox.dbc import Daemon, ManualClock, Node, Wallet, World
from sandbox.dbc.metal import MetalMachine
from sandbox.dbc.values import GIB

IMAGES = {"ubuntu.qcow2": 4 * GIB, "win10.qcow2": 20 * GIB}
CREATE = {
    "image_name": "ubuntu.qcow2",
    "desc": "train-01",
    "gpu_count": "2",
    "cpu_cores": "8",
    "mem_size": "64",
    "disk_size": "100",
    "ssh_port": "5684",
    "vnc_port": "5904",
}


@dataclass
class Outcome:
    """An answer: HTTP status, errcode and message."""

    status: int
    code: int
    message: Any

    @property
    def text(self) -> str:
        assert isinstance(self.message, str)
        return self.message


class Caller:
    """Sends requests as one wallet; each node's session is signed on first use."""

    def __init__(self, http: aiohttp.ClientSession, url: str, wallet: Wallet) -> None:
        self.http = http
        self.url = url
        self.wallet = wallet

    async def raw(self, path: str, body: Any) -> aiohttp.ClientResponse:
        """Any body, as JSON unless it is bytes."""
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.http.post(f"{self.url}/api/v1{path}", data=data) as response:
            await response.read()
            return response

    async def ask(
        self, path: str, peer: Node | MetalMachine | str | None, /, **additional: Any
    ) -> Outcome:
        """A call with the session of `peer`, or without credentials when that is an id."""
        return await self.send(path, peer, additional)

    async def send(
        self,
        path: str,
        peer: Node | MetalMachine | str | None,
        additional: dict[str, Any],
        **envelope: Any,
    ) -> Outcome:
        """The same with more fields in the envelope."""
        body: dict[str, Any] = {"peer_nodes_list": [], "additional": additional}
        if isinstance(peer, str):
            body["peer_nodes_list"] = [peer]
        elif peer is not None:
            body["peer_nodes_list"] = [peer.node_id]
            body["session_id"], body["session_id_sign"] = peer.session_for(self.wallet)
        response = await self.raw(path, body | envelope)
        found = json.loads(await response.text())
        return Outcome(response.status, found["errcode"], found["message"])

    async def create(self, node: Node, **changes: str) -> str:
        """Create a machine, return its id."""
        outcome = await self.send("/tasks/start", node, CREATE | changes)
        assert outcome.code == 0, outcome
        return str(outcome.message["task_id"])

    async def status(self, node: Node, task_id: str) -> str:
        """A machine's status; empty when it is gone."""
        outcome = await self.ask(f"/tasks/{task_id}", node)
        return str(outcome.message["status"]) if outcome.code == 0 else ""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def renter() -> Wallet:
    return Wallet.from_seed("renter")


@pytest.fixture
def world(clock: ManualClock) -> World:
    world = World(clock)
    world.add_image_server("hub", IMAGES | {"my-ubuntu.qcow2": 8 * GIB, "big.qcow2": 40 * GIB})
    return world


@pytest.fixture
def node(world: World, renter: Wallet) -> Node:
    node = world.add_node("gpu1", gpus=4, images=IMAGES)
    node.rent(renter)
    return node


@pytest.fixture
async def daemon(world: World) -> AsyncIterator[Daemon]:
    async with Daemon(world) as daemon:
        yield daemon


@pytest.fixture
async def caller(daemon: Daemon, renter: Wallet) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
        yield Caller(http, daemon.url, renter)


def seconds(number: float) -> timedelta:
    """Short for a timedelta."""
    return timedelta(seconds=number)
