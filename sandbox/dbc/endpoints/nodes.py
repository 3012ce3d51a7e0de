"""A node about itself: hardware, session ids, rent orders, monitoring, page cache.

Source: docs/dbc-api.md §3.1, §3.8.
"""

from sandbox.dbc import values
from sandbox.dbc.authority import Role
from sandbox.dbc.chain import MachineState
from sandbox.dbc.endpoints.images import local_images
from sandbox.dbc.endpoints.request import NodeRequest, error, ok, quoted, tight_ok
from sandbox.dbc.images import image_rows
from sandbox.dbc.metal import MetalMachine
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.task import Status
from sandbox.dbc.values import gigabytes, strings

MAX_ORDERS = 51
MAX_SERVERS = 2
_IDLE = {
    Status.CLOSED,
    Status.CREATE_ERROR,
    Status.START_ERROR,
    Status.SHUTDOWN_ERROR,
    Status.POWEROFF_ERROR,
    Status.RESTART_ERROR,
    Status.RESET_ERROR,
}


def info(node: Node, request: NodeRequest) -> str:
    """The hardware; every scalar is a string."""
    used = sum(len(task.gpus) for task in node.tasks.values() if task.status not in _IDLE)
    busy = 1 - node.memory_free / node.memory
    full = 1 - node.data_available / node.data_total
    data = (
        f'{{"path":"/data","type":"{node.data_kind}","size":"{gigabytes(node.data_total)}",'
        f'"free":"{gigabytes(node.data_free)}","used_usage":"{full:.2%}"}}'
    )
    images = image_rows(local_images(node, request.image_server), "image_name")
    return tight_ok(
        f'{{"version":"{node.version}","node_type":"1","ip":"{values.masked_ip(node.public_ip)}",'
        f'"os":"{node.os_name}",'
        f'"cpu":{{"type":"{node.cpu_name}","hz":"{node.cpu_hz}","cores":"{node.cpu_cores}",'
        f'"used_usage":"{node.cpu_usage}","physical_cpus":"{node.cpu_sockets}"}},'
        f'"gpu":{{"gpu_count":"{node.gpus}","gpu_used":"{used}"}},'
        f'"mem":{{"size":"{gigabytes(node.memory)}","free":"{gigabytes(node.memory_free)}",'
        f'"used_usage":"{busy:.2%}"}},'
        f'"disk_system":{{"type":"{node.data_kind}","size":"350G"}},'
        f'"disk_data":[{data}],"images":[{images}]}}'
    )


def session_id(peer: Node | MetalMachine, request: NodeRequest) -> str:
    """The renter's session id; a session pair or a verifier gets none."""
    rented = peer.chain.state is MachineState.RENTED
    if not rented or request.granted is None or request.granted.role is not Role.WALLET_RENTER:
        return error("check authority failed")
    return ok(f'{{"session_id":"{peer.gate.session(request.wallet).session_id}"}}')


def rent_orders(peer: Node | MetalMachine, _: NodeRequest) -> str:
    """The orders the node knows; an id in the path changes nothing."""
    rows = [
        f'{{"id":"{order.order_id}","renter":"{order.renter}","rent_end":"{order.rent_end}",'
        f'"rent_status":"{order.status}","gpu_nums":"{len(order.gpu_index)}",'
        f'"gpu_index":[{",".join(str(index) for index in order.gpu_index)}]}}'
        for _, order in sorted(peer.chain.orders.items())
    ]
    return tight_ok('{"rent_orders":[' + ",".join(rows[:MAX_ORDERS]) + "]}")


def free_memory(_: Node, __: NodeRequest) -> str:
    """Drop the page cache."""
    return ok()


def monitors(node: Node, request: NodeRequest) -> str:
    """The caller's monitoring servers."""
    return ok(f'{{"servers":{quoted(node.monitors.get(request.wallet, []))}}}')


def set_monitors(node: Node, request: NodeRequest) -> str:
    """Replace the caller's monitoring servers; absent changes nothing."""
    if "servers" not in request.additional:
        return ok()
    found = request.additional["servers"]
    if not isinstance(found, list):
        raise Refusal("servers must be an array")
    if len(found) > MAX_SERVERS:
        raise Refusal("can not enter more than two servers")
    servers = strings(request.additional, "servers") or []
    if any(len([part for part in it.split(":") if part]) != 2 for it in servers):
        raise Refusal("server not match format ip:port")
    node.monitors[request.wallet] = servers
    return ok()
