"""Everything that exists in the sandbox: nodes, bare-metal managers, image servers, networks.

Several daemons may front one world. Knows nothing of HTTP.
"""

from collections.abc import Mapping

from sandbox.dbc.calls import Call, CallLog
from sandbox.dbc.clock import Clock
from sandbox.dbc.faults import Faults
from sandbox.dbc.images import ImageFile, ImageServer
from sandbox.dbc.metal import MetalMachine, MetalManager
from sandbox.dbc.node import Node
from sandbox.dbc.site import Site

Peer = Node | MetalManager | MetalMachine


class World(Site):
    """The machine room."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.nodes: dict[str, Node] = {}
        self.managers: dict[str, MetalManager] = {}
        self.image_servers: dict[str, ImageServer] = {}
        self.faults = Faults()
        self.calls = CallLog()

    def add_node(
        self,
        name: str,
        *,
        node_id: str = "",
        gpus: int = 8,
        cpu_cores: int = 108,
        memory_gib: int = 471,
        data_gib: int = 7153,
        images: Mapping[str, int] | None = None,
    ) -> Node:
        """A GPU node; `images` are names and sizes (bytes) of files in its /data."""
        node = Node(
            self,
            name,
            node_id=node_id,
            gpus=gpus,
            cpu_cores=cpu_cores,
            memory_gib=memory_gib,
            data_gib=data_gib,
            images=dict(images or {}),
        )
        self.nodes[node.node_id] = node
        return node

    def add_metal_manager(self, name: str, *, node_id: str = "") -> MetalManager:
        """A bare-metal manager without machines."""
        manager = MetalManager(self, name, node_id=node_id)
        self.managers[manager.node_id] = manager
        return manager

    def add_image_server(
        self, server_id: str, images: Mapping[str, int] | None = None
    ) -> ImageServer:
        """An image server; `images` are names and sizes in bytes."""
        files = {name: ImageFile(size) for name, size in (images or {}).items()}
        server = ImageServer(server_id, files)
        self.image_servers[server_id] = server
        return server

    def node(self, name: str) -> Node:
        """The GPU node of that name; raises KeyError."""
        for node in self.nodes.values():
            if node.name == name:
                return node
        raise KeyError(name)

    def peer(self, node_id: str) -> Peer | None:
        """Whoever has that node id, exactly."""
        if node_id in self.nodes:
            return self.nodes[node_id]
        if node_id in self.managers:
            return self.managers[node_id]
        for manager in self.managers.values():
            if node_id in manager.machines:
                return manager.machines[node_id]
        return None

    def settle(self) -> None:
        """Let every node catch up with the clock."""
        for node in self.nodes.values():
            node.settle()

    def changing_calls(self, op: str | None = None) -> list[Call]:
        """The received calls that change something, of one operation or all."""
        return self.calls.of(op, changing=True)

    async def wait_for_call(self, op: str | None = None, *, count: int = 1) -> Call:
        """The `count`-th call of an operation; raises TimeoutError after 5 real seconds."""
        return await self.calls.wait(op, count=count)
