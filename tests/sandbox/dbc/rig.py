"""The recorded set-up rebuilt in the sandbox: same node ids, same wallet, same session ids."""

import re
from datetime import timedelta

from sandbox.dbc import Daemon, ManualClock, Wallet, World
from sandbox.dbc.authority import Session
from sandbox.dbc.chain import MachineState
from sandbox.dbc.metal import MetalManager
from sandbox.dbc.node import Node
from sandbox.dbc.values import GIB
from tests.sandbox.dbc.exchanges import Answer, Exchange, normal, same_disks, send, wire

NODE_ID = "263483f6a46ff55c6513285857a91fa50dedd0020b26cc8006c8aebce47f0169"
MANAGER_ID = "7039598c025726a4cb18783f2017c2e3c37810977a2ac9c69eb34a919dcecb76"
ALICE = Wallet.from_seed("//Alice")
IMAGES = {"win10.qcow2": 196_608, "ubuntu.qcow2": 196_608}  # a directory lists the newest first
TASK_ID = re.compile(r'"task_id":"([^"]+)", "create_time"')
SESSION_ID = re.compile(r'"session_id": ?"(\w{40,})"')
MADE_MACHINE = re.compile(r'"node_id":"([0-9a-f]{64})","uuid"')


class Rig:
    """A world like the recorded one, and the translation between recorded ids and ours."""

    def __init__(
        self, *, with_node: bool = True, node_id: str = NODE_ID, with_manager: str = ""
    ) -> None:
        self.node_id = node_id
        self.clock = ManualClock()
        self.world = World(self.clock)
        self.world.add_image_server("ID_1", IMAGES)
        self.ids: dict[str, str] = {}
        if with_node:
            self._add_node()
        if with_manager:
            self.world.add_metal_manager("manager", node_id=with_manager)

    @property
    def node(self) -> Node:
        return self.world.nodes[self.node_id]

    @property
    def manager(self) -> MetalManager:
        return next(iter(self.world.managers.values()))

    def _add_node(self) -> None:
        node = self.world.add_node(
            "dbc-miner",
            node_id=self.node_id,
            gpus=2,
            cpu_cores=30,
            memory_gib=96,
            images=IMAGES,
        )
        node.cpu_name = "Intel(R) Xeon(R) Silver 4210 CPU @ 2.20GHz"
        node.cpu_hz, node.cpu_sockets = "2400MHz", 1
        node.os_name = "Debian GNU/Linux 12 (bookworm) 6.18.44-fc-v595 GNU/Linux"
        node.public_ip = "127.0.0.254"
        node.data_kind, node.data_total, node.data_available = "HDD", 700 * GIB, 500 * GIB
        node.temp_dir = "/var/tmp"
        node.lan_error = "parse shell result error"
        node.rent(ALICE)

    def wait(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def knows_session(self, session_id: str, *, metal: bool = False) -> None:
        gate = self.manager.gate if metal else self.node.gate
        gate.sessions[ALICE.address] = Session(session_id, (ALICE.address,))

    def knows_session_of(self, exchange: Exchange) -> None:
        """Take over the session id a row was sent with, or was answered with."""
        texts = (exchange.body or "", exchange.request or "")
        found = next((it for it in map(SESSION_ID.search, texts) if it), None)
        if found is not None:
            self.knows_session(found[1])

    def set_chain(self, state: MachineState, **orders: str) -> None:
        self.node.chain.state = state
        self.node.chain.orders.clear()
        for status, renter in orders.items():
            self.node.rent(renter).status = status
            self.node.chain.state = state

    def translated(self, text: str | None) -> str | None:
        """A recorded path or body with our ids in place of the recorded ones."""
        for theirs, ours in self.ids.items():
            text = text.replace(theirs, ours) if text is not None else None
        return text

    def learn(self, exchange: Exchange, answer: Answer) -> None:
        """Remember which of our ids stands for which recorded one."""
        for pattern in (TASK_ID, MADE_MACHINE):
            theirs, ours = pattern.search(exchange.body or ""), pattern.search(answer.body)
            if theirs and ours and theirs[1] not in self.ids:
                self.ids[theirs[1]] = ours[1]

    async def replay(self, daemon: Daemon, exchange: Exchange) -> str:
        """Send a row again; an empty text, or what is different about the answer."""
        path = self.translated(exchange.path) or exchange.path
        request = wire(exchange, path, self.translated(exchange.request))
        answer = await send(daemon.url, request)
        self.learn(exchange, answer)
        return self.difference(exchange, answer)

    def difference(self, exchange: Exchange, answer: Answer) -> str:
        if answer.status != exchange.status:
            return f"status {answer.status}, recorded {exchange.status}: {answer.body[:200]}"
        for name in ("Content-Type", "Access-Control-Allow-Origin"):
            if exchange.headers and answer.headers.get(name) != exchange.headers.get(name):
                return f"{name} {answer.headers.get(name)}, recorded {exchange.headers.get(name)}"
        ours = answer.body
        for theirs_id, our_id in self.ids.items():
            ours = ours.replace(our_id, theirs_id)
        theirs = exchange.body or ""
        ours = same_disks(theirs, ours)
        if normal(ours) != normal(theirs):
            return f"\n  ours     {normal(ours)!r}\n  recorded {normal(theirs)!r}"
        return ""
