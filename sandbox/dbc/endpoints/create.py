"""Creating a machine: every check in the node's own order.

Source: docs/dbc-api.md §3.2.1 (upstream `parse_create_params`).
"""

import ipaddress
from dataclasses import dataclass
from pathlib import PurePosixPath

from sandbox.dbc import resources, values
from sandbox.dbc.authority import Role
from sandbox.dbc.endpoints.request import NodeRequest, ProcessDied, ok
from sandbox.dbc.endpoints.tasks import need_clean_host
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.task import Task
from sandbox.dbc.values import Json, atoi, string

VNC_PORTS = range(5900, 65536)
TASK_ID_LENGTHS = range(20, 23)


@dataclass
class Order:
    """The rental a creation draws on."""

    rented: list[int]
    by_order: bool
    is_verifier: bool
    share: float = 1.0


def create(node: Node, request: NodeRequest) -> str:
    """Check, put on the books, queue; answers at once."""
    need_clean_host(node, "create")
    given = request.additional
    is_verifier = request.granted is not None and request.granted.role is Role.VERIFIER
    task = Task(_task_id(node, given), request.wallet, node.now)
    task.rent_order = request.credentials.rent_order
    if is_verifier:
        task.task_id = f"vm_check_{int(node.now.timestamp())}"
    order = _order(node, request, is_verifier=is_verifier)
    _gpus(node, given, task, order)
    _system(node, given, task)
    _ports(node, given, task)
    disk_size = _hardware(node, given, task, order)
    data_file = "" if task.bios_mode == "pxe" else _data_file(node, given)
    _networking(node, given, task)
    task.login_password = values.password(node.random)
    task.vnc_password = task.login_password[:8]
    node.add_task(task, disk_size=disk_size, data_file=data_file)
    return ok(
        f'{{"task_id":"{task.task_id}", "create_time":"{values.time_text(task.created_at)}", '
        f'"desc":"{task.desc}", "status":"creating"}}'
    )


def _task_id(node: Node, given: Json) -> str:
    wanted = string(given, "task_id")
    if not wanted:
        return values.task_id(node.random)
    if len(wanted.encode()) not in TASK_ID_LENGTHS:
        raise Refusal("wrong task id length")
    if not values.alphanumeric(wanted):
        raise Refusal("task id requires a combination of letters or numbers")
    if wanted in node.tasks:
        raise Refusal("task id already existed")
    return wanted


def _order(node: Node, request: NodeRequest, *, is_verifier: bool) -> Order:
    rent_order = request.credentials.rent_order
    if is_verifier:
        rented = list(range(node.gpus))
    else:
        order = node.chain.order_of(rent_order, request.wallet)
        rented = order.gpu_index if order is not None else []
    if not rented:
        raise Refusal("order gpu index is empty")
    return Order(rented, bool(rent_order), is_verifier)


def _gpus(node: Node, given: Json, task: Task, order: Order) -> None:
    count = atoi(string(given, "gpu_count"))
    if count < 0:
        raise Refusal("gpu_count is invalid (usage: gpu_count >= 0)")
    if order.is_verifier:
        count = node.gpus
    if count > len(order.rented):
        raise Refusal("gpu_count exceeds number of leases")
    if order.by_order and len(order.rented) != node.gpus:
        if count != len(order.rented):
            raise Refusal("only use the number what you exactly rented")
        order.share = count / node.gpus
    gpus = resources.allocate_gpus(node, count, order.rented)
    if gpus is None:
        raise Refusal("allocate gpu failed")
    task.gpus = gpus


def _system(node: Node, given: Json, task: Task) -> None:
    task.desc = string(given, "desc")
    system = task.operation_system = (string(given, "operation_system") or "linux").lower()
    if not values.is_linux(system) and not values.is_windows(system):
        raise Refusal(f"unsupported operation system: {system} (usage: 'linux' 'windows')")
    mode = task.bios_mode = (string(given, "bios_mode") or "legacy").lower()
    if mode not in {"legacy", "uefi", "pxe"}:
        raise Refusal(f"unsupported bios mode: {mode} (usage: 'legacy(default)'、'uefi'、'pxe')")
    image = task.image_name = string(given, "image_name")
    if not image:
        raise Refusal("image_name is empty")
    if PurePosixPath(image).suffix != ".qcow2":
        raise Refusal("'image_name' extension name is invalid")
    if f"/data/{image}" not in node.files:
        raise Refusal(f"'image_name' is not exist (path:/data/{image})")
    if image in node.transfers.downloads or image in node.transfers.uploads:
        raise Refusal(f"'image_name':{image} in downloading or uploading, please try again later")
    if mode != "pxe" and (missing := node.missing_backing(image)):
        raise Refusal(f"image backfile not exist: {missing}")


def _ports(node: Node, given: Json, task: Task) -> None:
    task.public_ip = string(given, "public_ip")
    resources.check_public_ip(node, task.public_ip)
    ssh, rdp, vnc = (string(given, name) for name in ("ssh_port", "rdp_port", "vnc_port"))
    task.ssh_port, task.rdp_port, task.vnc_port = (values.port(it) for it in (ssh, rdp, vnc))
    if values.is_linux(task.operation_system):
        task.ssh_port = _guest_port(node, "ssh_port", ssh, 22, public=bool(task.public_ip))
    if values.is_windows(task.operation_system):
        task.rdp_port = _guest_port(node, "rdp_port", rdp, 3389, public=bool(task.public_ip))
    _check_digits("vnc_port", vnc)
    if task.vnc_port not in VNC_PORTS:
        raise Refusal("vnc_port is invalid (usage: [5900, 65535])")
    resources.check_port(node, task.vnc_port)


def _guest_port(node: Node, name: str, text: str, default: int, *, public: bool) -> int:
    """A port that must be given and free, unless the machine has its own address."""
    if public:
        return values.port(text) if values.digits_only(text) else default
    _check_digits(name, text)
    number = values.port(text)
    resources.check_port(node, number)
    return number


def _check_digits(name: str, text: str) -> None:
    if not text:
        raise Refusal(f"{name} is empty")
    if not values.digits_only(text):
        raise Refusal(f"{name} is not digit")


def _hardware(node: Node, given: Json, task: Task, order: Order) -> int:
    """CPU, memory and disk; returns the data disk's size in bytes."""
    task.cpu_cores = atoi(string(given, "cpu_cores"))
    if task.cpu_cores <= 0:
        raise Refusal("cpu_cores is invalid")
    if order.is_verifier:
        task.cpu_cores = node.cpu_cores
    if not resources.can_have_cpu(node, task.cpu_cores, order.share):
        raise Refusal("allocate cpu failed")
    task.memory = atoi(string(given, "mem_size")) * values.GIB
    if task.memory <= 0:
        raise Refusal("mem_size is invalid")
    if order.is_verifier:
        task.memory = node.memory_free
    if not resources.can_have_memory(node, task.memory, order.share):
        raise Refusal("allocate mem failed")
    return 0 if task.bios_mode == "pxe" else _disk_size(node, given, order)


def _disk_size(node: Node, given: Json, order: Order) -> int:
    disk_size = atoi(string(given, "disk_size")) * values.GIB
    if disk_size <= 0:
        raise Refusal("disk_size is invalid (usage: disk_size > 0)")
    if order.is_verifier:
        disk_size = node.data_free
    if not resources.can_have_disk(node, disk_size):
        raise Refusal("allocate disk failed")
    return disk_size


def _data_file(node: Node, given: Json) -> str:
    name = string(given, "data_file_name")
    if name and f"/data/{name}" not in node.files:
        raise Refusal(f"data_file_name is not exist, path: /data/{name}")
    return name


def _networking(node: Node, given: Json, task: Task) -> None:
    task.network_name = string(given, "network_name")
    if task.network_name and task.network_name not in node.site.networks:
        raise Refusal("can not find network info")
    task.custom_ports = values.strings(given, "custom_port") or []
    task.multicast = values.strings(given, "multicast") or []
    for entry in task.multicast:
        _check_multicast(entry)
    task.filters = values.strings(given, "network_filters") or []
    model = string(given, "interface_model_type")
    if model and model not in {"e1000", "rtl8139"}:
        raise Refusal("invalid interface model type")
    task.interface_model = model or "virtio"


def _check_multicast(entry: str) -> None:
    parts = [part for part in entry.split(":") if part]
    if len(parts) != 2:
        raise Refusal("multicast format: ip:port")
    try:
        address = ipaddress.IPv4Address(parts[0])
    except ValueError:
        raise ProcessDied from None
    if not address.is_multicast:
        raise Refusal("address is not a multicast address")
    if not values.digits_only(parts[1]) or not 0 < int(parts[1]) <= 65535:
        raise Refusal("invalid multicast port")
