"""The demo's levers over HTTP: look into the machine room, break it, hurry it along.

An application to be mounted under a prefix; not part of the daemon, and it hands out secrets.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from sandbox.dbc.calls import Call
from sandbox.dbc.clock import ManualClock, RunningClock
from sandbox.dbc.faults import Fault, FaultName
from sandbox.dbc.front.daemon import Daemon
from sandbox.dbc.keys import Wallet
from sandbox.dbc.metal import MetalMachine, MetalManager
from sandbox.dbc.node import Node
from sandbox.dbc.task import Task
from sandbox.dbc.values import Json
from sandbox.dbc.world import World
from sandbox.posted import posted

LATEST_CALLS = 100


class Control:
    """The routes over one world, its renter and its daemons."""

    def __init__(self, world: World, renter: Wallet, daemons: Sequence[Daemon] = ()) -> None:
        self._world = world
        self._renter = renter
        self._daemons = {daemon.name: daemon for daemon in daemons}

    def application(self) -> web.Application:
        """`GET /state`, `GET /credentials`, `POST /faults`, `DELETE /faults[/{name}]`,
        `POST /advance`, `POST /nodes/{name}`, `POST /daemons/{name}/crash|restart`.
        """
        app = web.Application()
        app.add_routes(
            [
                web.get("/state", self._state),
                web.get("/credentials", self._credentials),
                web.post("/faults", self._fault_on),
                web.delete("/faults", self._fault_off),
                web.delete("/faults/{name}", self._fault_off),
                web.post("/advance", self._advance),
                web.post("/nodes/{name}", self._change_node),
                web.post("/daemons/{name}/{action:crash|restart}", self._daemon),
            ]
        )
        return app

    async def _state(self, _: web.Request) -> web.Response:
        self._world.settle()
        calls = list(self._world.calls)[-LATEST_CALLS:]
        return web.json_response(
            {
                "now": self._world.clock.now().isoformat(),
                "nodes": [_node(node) for node in self._world.nodes.values()],
                "metal": [_manager(it) for it in self._world.managers.values()],
                "image_servers": {
                    server.server_id: server.listing()
                    for server in self._world.image_servers.values()
                },
                "daemons": [
                    {"name": it.name, "url": it.url, "up": it.is_up, "crashes": it.crashes}
                    for it in self._daemons.values()
                ],
                "faults": [_fault(fault) for fault in self._world.faults.active],
                "fault_names": list(FaultName),
                "calls": [_call(call) for call in calls],
            }
        )

    async def _credentials(self, _: web.Request) -> web.Response:
        """The renter's session pair on every node and bare-metal machine."""
        machines = [
            machine
            for manager in self._world.managers.values()
            for machine in manager.machines.values()
        ]
        found = []
        peers: list[Node | MetalMachine] = [*self._world.nodes.values(), *machines]
        for peer in peers:
            session_id, signature = peer.session_for(self._renter)
            found.append(
                {
                    "node": peer.name,
                    "node_id": peer.node_id,
                    "session_id": session_id,
                    "session_id_sign": signature,
                }
            )
        owners = [
            {"node": it.name, "node_id": it.node_id, **it.proof()}
            for it in self._world.managers.values()
        ]
        wallet = self._renter.address
        return web.json_response({"wallet": wallet, "sessions": found, "owners": owners})

    async def _fault_on(self, request: web.Request) -> web.Response:
        given = await posted(request)
        try:
            fault = self._world.faults.on(
                str(given.get("name", "")),
                node=str(given.get("node", "")),
                path=str(given.get("path", "")),
                count=None if given.get("count") is None else int(given["count"]),
                seconds=float(given.get("seconds", 5)),
                spelling=str(given.get("spelling", "plain")),
            )
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(_fault(fault))

    async def _fault_off(self, request: web.Request) -> web.Response:
        self._world.faults.off(request.match_info.get("name"))
        return web.json_response({"faults": len(self._world.faults.active)})

    async def _advance(self, request: web.Request) -> web.Response:
        clock = self._world.clock
        if not isinstance(clock, ManualClock | RunningClock):
            raise web.HTTPConflict(text="this clock cannot be advanced")
        given = await posted(request)
        try:
            now = clock.advance(timedelta(seconds=float(given.get("seconds", 0))))
        except (ValueError, TypeError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        self._world.settle()
        return web.json_response({"now": now.isoformat()})

    async def _change_node(self, request: web.Request) -> web.Response:
        """Switch `silent` (known but dead), `known` or `outlives_stop` (its downloads) of a node;
        `chain_down` takes its way to the chain away for so many seconds.
        """
        given = await posted(request)
        try:
            node = self._world.node(request.match_info["name"])
        except KeyError as error:
            raise web.HTTPNotFound from error
        node.silent = bool(given.get("silent", node.silent))
        node.known = bool(given.get("known", node.known))
        outlives = given.get("outlives_stop", node.transfers.outlives_stop)
        node.transfers.outlives_stop = bool(outlives)
        if "chain_down" in given:
            try:
                node.lose_chain(float(given["chain_down"]))
            except (ValueError, TypeError, OverflowError) as error:
                raise web.HTTPBadRequest(text=str(error)) from error
        return web.json_response(_node(node))

    async def _daemon(self, request: web.Request) -> web.Response:
        daemon = self._daemons.get(request.match_info["name"])
        if daemon is None:
            raise web.HTTPNotFound
        if request.match_info["action"] == "crash":
            daemon.crash()
        else:
            await daemon.restart()
        return web.json_response({"up": daemon.is_up, "crashes": daemon.crashes})


def control_app(world: World, renter: Wallet, daemons: Sequence[Daemon] = ()) -> web.Application:
    """The control application for a world."""
    return Control(world, renter, daemons).application()


def _node(node: Node) -> Json:
    return {
        "name": node.name,
        "node_id": node.node_id,
        "gpus": node.gpus,
        "silent": node.silent,
        "known": node.known,
        "chain": node.chain.state.value,
        "tasks": [_task(task) for task in node.tasks.values()],
        "jobs": [{"kind": it.kind, "task_id": it.task_id} for it in node.worker.waiting],
        "downloads": list(node.transfers.downloads),
        "uploads": list(node.transfers.uploads),
        "files": {path: file.size for path, file in sorted(node.files.items())},
    }


def _task(task: Task) -> Json:
    return {
        "task_id": task.task_id,
        "desc": task.desc,
        "status": task.shown_status(),
        "libvirt": task.libvirt.value,
        "gpus": task.gpus,
        "snapshots": task.snapshot_status,
    }


def _manager(manager: MetalManager) -> Json:
    machines: list[Json] = [
        {
            "node_id": machine.node_id,
            "uuid": machine.uuid,
            "powered": machine.powered,
            "boot_device": machine.boot_device,
        }
        for machine in manager.machines.values()
    ]
    return {"name": manager.name, "node_id": manager.node_id, "machines": machines}


def _fault(fault: Fault) -> Json:
    return {
        "name": fault.name,
        "node": fault.node,
        "path": fault.path,
        "count": fault.count,
        "seconds": fault.delay.total_seconds(),
        "hits": fault.hits,
    }


def _call(call: Call) -> dict[str, Any]:
    return {
        "time": call.time.isoformat(),
        "daemon": call.daemon,
        "method": call.method,
        "path": call.path,
        "op": call.op,
        "changing": call.changing,
        "node": call.node_name or call.node,
        "task_id": call.task_id,
        "additional": call.additional,
        "status": call.status,
    }
