"""What single things say by name, for those who want JSON. Keys stay as they are once released.

Sizes are numbers of GiB, moments are datetimes; a node's own clock tells no zone, so what it says
stays without one. Knows nothing of how things are shown.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.dbc.models import Image, NodeInfo, TaskDetail, TaskDisk, state_of
from bot.dbc.sizes import Size
from bot.errors import BotError
from bot.model import Machine, Node

Named = dict[str, Any]


def gib(size: Size) -> float | None:
    """A size as a number of GiB; None if DBC said none."""
    if size.gib is None:
        return None
    return int(size.gib) if size.gib.is_integer() else round(size.gib, 2)


def node_time(text: str) -> str | None:
    """A node's local time as ISO 8601 without a zone; None if it is none."""
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None).isoformat()
    except ValueError:
        return None


def machine(seen: Machine, node: Node, problem: str = "", *, deleted: bool | None = None) -> Named:
    """A machine in a list; `problem` is why it is as last seen.

    `deleted` by now as far as that can be known: for sure (True), or perhaps.
    """
    return {
        "task": seen.task,
        "name": seen.label,
        "status": state_of(seen.status),
        "description": seen.desc or None,
        "created_node_time": node_time(seen.created),
        "node": node.label,
        "node_id": seen.node,
        "seen_at": seen.seen_at,
        "problem": problem or None,
        "deleted": None if deleted is None else "presumably" if deleted else "perhaps",
    }


def silent(node: Node, problem: BotError) -> Named:
    """A node that a list should have heard of."""
    return {"node": node.label, "node_id": node.id, "problem": problem.sentence}


def detail(vm: Machine, node: Node, found: TaskDetail, connection: Mapping[str, Any]) -> Named:
    """All about one machine."""
    return {
        "task": vm.task,
        "name": vm.label,
        "node": node.label,
        "node_id": vm.node,
        "status": state_of(found.status),
        "description": found.desc or None,
        "cpus": found.cpu_cores,
        "gpus": found.gpu_count,
        "memory_gib": gib(found.mem_size),
        "os": found.os or None,
        "created_node_time": node_time(found.create_time),
        "network": found.network_name or None,
        "local_addresses": list(found.local_address),
        "rent_order": found.rent_order or None,
        **connection,
        "disks": [disk(one) for one in found.disks],
        "network_filters": list(found.network_filters),
    }


def disk(one: TaskDisk, size: Size | None = None) -> Named:
    """A machine's disk; `size` if it is known more exactly."""
    return {"name": one.name, "size_gib": gib(size or one.size), "file": one.file or None}


def image(one: Image) -> Named:
    """An image file."""
    return {"name": one.name, "size_gib": gib(one.size)}


def hardware(node: Node, info: NodeInfo) -> Named:
    """A node with what it has, and what of it is free."""
    return {
        "id": node.id,
        "name": node.label,
        "kind": "metal" if info.is_bare_metal else "gpu",
        "gpus": info.gpu and info.gpu.gpu_count,
        "gpus_used": info.gpu and info.gpu.gpu_used,
        "cpu_cores": info.cpu and info.cpu.cores,
        "cpu_type": (info.cpu and info.cpu.type) or None,
        "cpu_used_percent": info.cpu and percent(info.cpu.used_usage),
        "memory_gib": info.mem and gib(info.mem.size),
        "memory_free_gib": info.mem and gib(info.mem.free),
        "disks": hardware_disks(info),
        "os": info.os or None,
        "ip": info.ip or None,
        "version": info.version or None,
        "images": [image(one) for one in info.images],
    }


def hardware_disks(info: NodeInfo) -> list[Named]:
    """The directories of a node that hold images and disks, and what is free there."""
    return [
        {"path": one.path or None, "size_gib": gib(one.size), "free_gib": gib(one.free)}
        for one in info.disk_data
    ]


def percent(text: str) -> float | None:
    """`12.5%` as a number."""
    try:
        return float(text.strip().rstrip("%"))
    except ValueError:
        return None
