"""What a machine may have: GPUs, CPU, memory, disk and ports against what others hold.

Source: docs/dbc-api.md §3.2.1 and the upstream functions named there. Knows nothing of requests.
"""

import ipaddress
import math

from sandbox.dbc.host import Host
from sandbox.dbc.task import Task


class Refusal(Exception):
    """An operation the node refuses: errcode and text."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


class TightRefusal(Refusal):
    """The same, worded without a blank before `"message"`: some disk and snapshot calls."""


def others(node: Host, exclude: Task | None) -> list[Task]:
    """Every machine of the node but one."""
    return [task for task in node.tasks.values() if task is not exclude]


def allocate_gpus(
    node: Host, count: int, rented: list[int], exclude: Task | None = None
) -> list[int] | None:
    """Free GPUs among the rented ones; None when they do not suffice."""
    if not rented or count > len(rented):
        return None
    if count == 0:
        return [] if len(rented) == node.gpus else None
    used = {gpu for task in others(node, exclude) if task.holds_gpus for gpu in task.gpus}
    free = [index for index in range(node.gpus) if index in rented and index not in used]
    return free[:count] if len(free) >= count else None


def can_have_cpu(node: Host, cores: int, share: float, exclude: Task | None = None) -> bool:
    """Whether so many cores fit the rented share and what running machines leave."""
    used = sum(task.cpu_cores for task in others(node, exclude) if task.is_running)
    return cores <= math.floor(node.cpu_cores * share) and cores + used <= node.cpu_cores


def can_have_memory(node: Host, size: int, share: float, exclude: Task | None = None) -> bool:
    """Whether so many bytes are free, fit the share and what running machines leave."""
    if size <= 0 or size > node.memory_free or size > math.floor(node.memory * share):
        return False
    used = sum(task.memory for task in others(node, exclude) if task.is_running)
    return size + used <= node.memory


def can_have_disk(node: Host, size: int) -> bool:
    """Whether so many bytes fit /data beside the system disk."""
    return 0 < size <= node.data_free


def check_port(node: Host, number: int, exclude: Task | None = None) -> None:
    """Refuse a port that a machine with a live domain holds."""
    for task in others(node, exclude):
        if not task.holds_ports:
            continue
        if task.vnc_port == number:
            raise Refusal(f"port conflict, exist vnc_port = {number}")
        if task.public_ip:
            continue
        if task.ssh_port == number:
            raise Refusal(f"port conflict, exist ssh_port = {number}")
        if task.rdp_port == number:
            raise Refusal(f"port conflict, exist rdp_port = {number}")


def check_public_ip(node: Host, address: str, exclude: Task | None = None) -> None:
    """Refuse what is no IP address, is the host's, or serves another machine."""
    if not address:
        return
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise Refusal("invalid public ip") from None
    if address == node.host_ip:
        raise Refusal("public ip being used")
    if any(task.public_ip == address for task in others(node, exclude)):
        raise Refusal("public ip being used")


def check_before_start(node: Host, task: Task) -> None:
    """The resource check of start and restart (§3.2.6)."""
    busy = {gpu for other in others(node, task) if other.holds_gpus for gpu in other.gpus}
    if any(gpu in busy or gpu >= node.gpus for gpu in task.gpus):
        raise Refusal("check gpu failed")
    if not task.is_running and not 0 < task.memory <= node.memory_free:
        raise Refusal("check memory failed")
    name, number = ("rdp_port", task.rdp_port) if task.is_windows else ("ssh_port", task.ssh_port)
    for what, wanted in ((name, number), ("vnc_port", task.vnc_port)):
        try:
            check_port(node, wanted, task)
        except Refusal:
            raise Refusal(f"check {what} failed") from None
    check_public_ip(node, task.public_ip, task)
