"""Modifying a machine: checks and writes alternate, so an error leaves the earlier fields changed.

Source: docs/dbc-api.md §3.2.10 (upstream `modifyTask`).
"""

from dataclasses import dataclass, field

from sandbox.dbc import resources, values
from sandbox.dbc.endpoints.create import VNC_PORTS
from sandbox.dbc.endpoints.request import NodeRequest, ProcessDied, ok
from sandbox.dbc.endpoints.tasks import existing
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.task import Task
from sandbox.dbc.values import Json, atoi, string

NEXT_BOOT = '"some changes will take effect on the next boot"'


@dataclass
class Change:
    """A modification under way."""

    node: Node
    task: Task
    given: Json
    rented: list[int] = field(default_factory=list)
    share: float = 1.0
    whole_machine: bool = True
    needs_boot: bool = False


def modify(node: Node, request: NodeRequest) -> str:
    """Change a machine; what concerns the firewall at once, the rest at its next boot."""
    task = existing(node, request.name)
    change = Change(node, task, request.additional)
    _rental(change, request.wallet)
    _public_ip(change)
    _guest_ports(change)
    _custom_ports(change)
    _filters(change)
    _vnc_port(change)
    _gpus(change)
    _cpu(change)
    _memory(change)
    return ok(NEXT_BOOT if change.needs_boot else '"ok"')


def _rental(change: Change, wallet: str) -> None:
    node, order_id = change.node, change.task.rent_order
    order = node.chain.order_of(order_id, wallet)
    change.rented = order.gpu_index if order is not None else []
    change.whole_machine = not order_id or len(change.rented) == node.gpus
    if not change.whole_machine:
        if not change.rented:
            raise Refusal("gpu rent order is empty")
        change.share = len(change.rented) / node.gpus


def _public_ip(change: Change) -> None:
    """Absent means none: the address is taken away."""
    address = string(change.given, "new_public_ip")
    resources.check_public_ip(change.node, address, change.task)
    if address != change.task.public_ip:
        _need_forwards(change.task, "public ip")
        change.task.public_ip = address


def _need_forwards(task: Task, what: str) -> None:
    if not task.forwards:
        raise Refusal(f"can not find iptable info when modify {what}")


def _guest_ports(change: Change) -> None:
    ssh = _guest_port(change, "ssh")
    rdp = _guest_port(change, "rdp")
    if ssh is not None and ssh == rdp:
        raise Refusal("new_ssh_port and new_rdp_port are the same!")


def _guest_port(change: Change, kind: str) -> int | None:
    field_name, attribute = f"new_{kind}_port", f"{kind}_port"
    text = string(change.given, field_name)
    if not text:
        return None
    number = values.port(text)
    if number == 0:
        raise Refusal(f"{field_name} {text} is invalid! (usage: > 0)")
    if not change.task.public_ip:
        _check_free(change, field_name, text, number)
    if number != getattr(change.task, attribute):
        _need_forwards(change.task, f"{kind} port")
        setattr(change.task, attribute, number)
    return number


def _check_free(change: Change, field_name: str, text: str, number: int) -> None:
    try:
        resources.check_port(change.node, number, change.task)
    except Refusal:
        raise Refusal(f"{field_name} {text} has been used!") from None


def _custom_ports(change: Change) -> None:
    found = change.given.get("new_custom_port")
    if not isinstance(found, list):
        return
    if not all(isinstance(item, str) for item in found):
        raise ProcessDied
    if found != change.task.custom_ports:
        _need_forwards(change.task, "custom port")
        change.task.custom_ports = found


def _filters(change: Change) -> None:
    found = values.strings(change.given, "new_network_filters")
    if found is None or found == change.task.filters:
        return
    change.task.filters = found
    if change.node.failure("filters"):
        raise Refusal("modify network filter error")


def _vnc_port(change: Change) -> None:
    text = string(change.given, "new_vnc_port")
    if not text:
        return
    number = values.port(text)
    if number not in VNC_PORTS:
        raise Refusal(f"new_vnc_port {text} is invalid! (usage: 5900 =< port <= 65535)")
    _check_free(change, "new_vnc_port", text, number)
    if number != change.task.vnc_port:
        change.task.vnc_port = number
        change.needs_boot = True


def _gpus(change: Change) -> None:
    text = string(change.given, "new_gpu_count")
    if not text:
        return
    if not change.whole_machine:
        raise Refusal("can not modify gpu count")
    count = atoi(text) % 65536
    if count == len(change.task.gpus):
        return
    gpus = resources.allocate_gpus(change.node, count, change.rented, change.task)
    if gpus is None:
        raise Refusal("allocate gpu failed")
    change.task.gpus = gpus
    change.needs_boot = True


def _cpu(change: Change) -> None:
    text = string(change.given, "new_cpu_cores")
    if not text:
        return
    if not change.whole_machine:
        raise Refusal("can not modify cpu cores")
    cores = atoi(text)
    if not resources.can_have_cpu(change.node, cores, change.share, change.task):
        raise Refusal("allocate cpu failed")
    if cores != change.task.cpu_cores:
        change.task.cpu_cores = cores
        change.needs_boot = True


def _memory(change: Change) -> None:
    text = string(change.given, "new_mem_size")
    if not text:
        return
    if not change.whole_machine:
        raise Refusal("can not modify mem size")
    size = atoi(text) * values.GIB
    if not resources.can_have_memory(change.node, size, change.share, change.task):
        raise Refusal("allocate memory failed")
    if size != change.task.memory:
        change.task.memory = size
        change.needs_boot = True
