"""From an operation's name and the peer it is addressed to, to the function that answers.

Source: docs/dbc-api.md §2.6, §3 (conventions).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.dbc.authority import Refused, Role, authorise
from sandbox.dbc.endpoints import (
    create,
    disks,
    images,
    lan,
    metal,
    modify,
    nodes,
    snapshots,
    tasks,
)
from sandbox.dbc.endpoints.request import Access, NodeRequest, ProcessDied, error, refusal_text
from sandbox.dbc.metal import MetalMachine, MetalManager
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.world import Peer

Handler = Callable[[Any, NodeRequest], str]


@dataclass(frozen=True)
class Operation:
    """A function and who may call it."""

    handler: Handler
    access: Access = Access.ANY


_FREE = Access.NOBODY_ASKED
_RENTER = Access.RENTER

COMPUTE: dict[str, Operation] = {
    "nodes.info": Operation(nodes.info, _FREE),
    "nodes.session_id": Operation(nodes.session_id),
    "nodes.free_memory": Operation(nodes.free_memory),
    "rent_orders.list": Operation(nodes.rent_orders, _FREE),
    "monitor.list": Operation(nodes.monitors, _RENTER),
    "monitor.set": Operation(nodes.set_monitors, _RENTER),
    "tasks.list": Operation(tasks.task_list),
    "tasks.detail": Operation(tasks.task_detail),
    "tasks.create": Operation(create.create),
    "tasks.start": Operation(tasks.start),
    "tasks.shutdown": Operation(tasks.shutdown),
    "tasks.poweroff": Operation(tasks.poweroff),
    "tasks.stop": Operation(tasks.poweroff),
    "tasks.restart": Operation(tasks.restart),
    "tasks.reset": Operation(tasks.reset),
    "tasks.delete": Operation(tasks.delete),
    "tasks.logs": Operation(tasks.logs),
    "tasks.modify": Operation(modify.modify),
    "tasks.passwd": Operation(tasks.passwd),
    "disks.list": Operation(disks.disk_list, _RENTER),
    "disks.resize": Operation(disks.resize, _RENTER),
    "disks.add": Operation(disks.add, _RENTER),
    "disks.delete": Operation(disks.delete, _RENTER),
    "snapshots.list": Operation(snapshots.snapshot_list),
    "snapshots.detail": Operation(snapshots.snapshot_detail),
    "snapshots.create": Operation(snapshots.create, _RENTER),
    "snapshots.delete": Operation(snapshots.delete, _RENTER),
    "images.list": Operation(images.image_list, Access.OPTIONAL),
    "images.download": Operation(images.download),
    "images.download_progress": Operation(images.download_progress),
    "images.download_stop": Operation(images.download_stop),
    "images.upload": Operation(images.upload),
    "images.upload_progress": Operation(images.upload_progress),
    "images.upload_stop": Operation(images.upload_stop),
    "images.delete": Operation(images.delete),
    "lan.list": Operation(lan.lan_list, _FREE),
    "lan.create": Operation(lan.create, _RENTER),
    "lan.delete": Operation(lan.delete, _RENTER),
}
MACHINE: dict[str, Operation] = {
    "nodes.info": Operation(metal.machine_info, _FREE),
    "nodes.session_id": Operation(nodes.session_id),
    "rent_orders.list": Operation(nodes.rent_orders, _FREE),
    "metal.list": Operation(metal.machine_list),
    "metal.power": Operation(metal.power),
    "metal.bootdev": Operation(metal.bootdev, _RENTER),
    "deeplink.detail": Operation(metal.deeplink),
    "deeplink.set": Operation(metal.set_deeplink, _RENTER),
}
MANAGER: dict[str, Operation] = {
    "nodes.info": Operation(metal.manager_info, _FREE),
    "metal.list": Operation(metal.manager_list, _FREE),
    "metal.add": Operation(metal.add, _FREE),
    "metal.delete": Operation(metal.delete, _FREE),
    "metal.modify": Operation(metal.modify, _FREE),
}
_METAL_ONLY = ("metal.", "deeplink.")
# Nobody answers these when they are addressed to a manager.
_UNHEARD_BY_MANAGERS = {"nodes.session_id", "rent_orders.list"}


def answer(peer: Peer, request: NodeRequest) -> str | None:
    """What the peer replies, as text; None when nobody answers."""
    table = {Node: COMPUTE, MetalMachine: MACHINE, MetalManager: MANAGER}[type(peer)]
    operation = table.get(request.op)
    if operation is None:
        if isinstance(peer, MetalManager) and request.op in _UNHEARD_BY_MANAGERS:
            return None
        is_metal = request.op.startswith(_METAL_ONLY)
        return error("Not supported" if is_metal else "bare metal nodes are not supported")
    try:
        if not isinstance(peer, MetalManager):
            _authorise(peer, request, operation.access)
        return operation.handler(peer, request)
    except Refused as refused:
        return error(f"check authority failed: {refused}")
    except Refusal as refusal:
        return refusal_text(refusal)
    except ProcessDied:
        if isinstance(peer, Node):
            peer.restart_process()
        return None


def _authorise(peer: Node | MetalMachine, request: NodeRequest, access: Access) -> None:
    if access is Access.NOBODY_ASKED:
        return
    try:
        now = request.world.clock.now()
        granted = authorise(peer.gate, peer.chain, request.credentials, now)
    except Refused:
        if access is Access.OPTIONAL:
            return
        raise
    if access is Access.RENTER and granted.role is Role.VERIFIER:
        raise Refused("")
    request.granted = granted
