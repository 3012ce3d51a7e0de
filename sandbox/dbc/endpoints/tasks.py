"""Machines: list, detail, power, logs, passwords.

Source: docs/dbc-api.md §3.2.2-§3.2.11.
"""

from sandbox.dbc import jobs, resources
from sandbox.dbc.endpoints.request import NodeRequest, error, ok, quoted
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.task import Libvirt, Status, Task
from sandbox.dbc.values import gigabytes, string, time_text

MAX_LOG_BYTES = 8 * 1024
LAN_ADDRESS = "192.168.66.23"


def existing(node: Node, task_id: str) -> Task:
    """The machine, if libvirt has a domain for it; whoever owns it."""
    task = node.tasks.get(task_id)
    if task is None or task.domain is None:
        raise Refusal("task not exist")
    return task


def need_clean_host(node: Node, verb: str) -> None:
    """Refuse while a machine that the node does not know runs on its host."""
    if node.stray_vm:
        raise Refusal(f"{verb} task failed, please try again in a minute", -3)


def task_list(node: Node, request: NodeRequest) -> str:
    """The caller's machines."""
    rows = ",".join(
        f'{{"task_id":"{task.task_id}", "create_time":"{time_text(task.created_at)}", '
        f'"desc":"{task.desc}", "status":"{task.shown_status()}"}}'
        for task in node.tasks.values()
        if task.wallet == request.wallet
    )
    return ok(f"[{rows}]")


def task_detail(node: Node, request: NodeRequest) -> str:
    """All about one of the caller's machines."""
    task = node.tasks.get(request.name)
    if task is None or task.wallet != request.wallet:
        return error("task_id not exist")
    port = f'"rdp_port":"{task.rdp_port}"' if task.is_windows else f'"ssh_port":"{task.ssh_port}"'
    parts = [
        f'"task_id":"{task.task_id}"',
        f'"os":"{task.operation_system}"',
        f'"ssh_ip":"{task.public_ip or node.public_ip}"',
        port,
        f'"user_name":"{task.login_user or task.default_user}"',
        f'"login_password":"{task.login_password}"',
        f'"cpu_cores":{task.cpu_cores}',
        f'"gpu_count":{len(task.gpus)}',
        f'"mem_size":"{gigabytes(task.memory)}"',
        '"disk_system":"350G"',
        f'"vnc_port":"{task.vnc_port}"',
        f'"vnc_password":"{task.vnc_password}"',
        *([f'"network_name":"{task.network_name}"'] if task.network_name else []),
        f'"create_time":"{time_text(task.created_at)}"',
        f'"desc":"{task.desc}"',
        f'"status":"{task.shown_status()}"',
        *_optional_parts(task),
        f'"interface":[{_interface(task)}]',
    ]
    return ok("{" + ", ".join(parts) + "}")


def _optional_parts(task: Task) -> list[str]:
    parts = []
    if task.rent_order:
        parts.append(f'"rent_order":"{task.rent_order}"')
    if (task.multicast or task.network_name) and task.is_running and task.login_user != "N/A":
        parts.append(f'"local_address":["{LAN_ADDRESS}"]')
    if task.disks:
        rows = ",".join(
            f'{{"name":"{disk.name}", "size":"{gigabytes(disk.size)}", '
            f'"source_file":"{disk.source_file}"}}'
            for _, disk in sorted(task.disks.items())
        )
        parts.append(f'"disks":[{rows}]')
    if task.filters:
        parts.append(f'"network_filters":{quoted(task.filters)}')
    return parts


def _interface(task: Task) -> str:
    if task.domain is None:
        return ""
    model, mac = task.interface_model, task.domain.mac_address
    return f'{{"name":"default","type":"{model}","mac_address":"{mac}"}}'


def start(node: Node, request: NodeRequest) -> str:
    """Queue a start; the resource check comes before the state check."""
    need_clean_host(node, "start")
    task = existing(node, request.name)
    resources.check_before_start(node, task)
    _need(task, {Libvirt.NONE, Libvirt.SHUT_OFF, Libvirt.SUSPENDED})
    task.status = Status.STARTING
    node.push("start", task, jobs.start(node, task))
    return ok()


def shutdown(node: Node, request: NodeRequest) -> str:
    """Queue a power cut."""
    task = existing(node, request.name)
    _need(task, set(Libvirt) - {Libvirt.SHUT_OFF, Libvirt.SHUTTING_DOWN})
    task.status = Status.SHUTTING_DOWN
    node.push("shutdown", task, jobs.shutdown(node, task))
    return ok()


def poweroff(node: Node, request: NodeRequest) -> str:
    """Queue a power cut; also what `stop` does."""
    task = existing(node, request.name)
    _need(task, set(Libvirt) - {Libvirt.SHUT_OFF})
    task.status = Status.POWERING_OFF
    node.push("poweroff", task, jobs.poweroff(node, task))
    return ok()


def restart(node: Node, request: NodeRequest) -> str:
    """Queue a reboot, or with force a power cycle."""
    need_clean_host(node, "restart")
    task = existing(node, request.name)
    resources.check_before_start(node, task)
    _need(task, {Libvirt.NONE, Libvirt.SHUT_OFF, Libvirt.RUNNING})
    task.status = Status.RESTARTING
    job = jobs.force_restart if request.force else jobs.restart
    node.push("restart", task, job(node, task))
    return ok()


def reset(node: Node, request: NodeRequest) -> str:
    """Queue a hard reset of a running machine."""
    task = existing(node, request.name)
    _need(task, {Libvirt.RUNNING})
    task.status = Status.RESETTING
    node.push("reset", task, jobs.reset(node, task))
    return ok()


def delete(node: Node, request: NodeRequest) -> str:
    """Queue the end of a machine, in any power state."""
    task = existing(node, request.name)
    task.status = Status.DELETING
    node.push("delete", task, jobs.delete(node, task))
    return ok()


def _need(task: Task, allowed: set[Libvirt]) -> None:
    if task.libvirt not in allowed:
        raise Refusal(f"task is {task.libvirt.value}")


def logs(node: Node, request: NodeRequest) -> str:
    """Lines of the machine's management log, up to 8 KiB, unescaped."""
    task = existing(node, request.name)
    if not task.log:
        raise Refusal("task log not exist")
    lines = task.log[: request.lines] if request.from_head else task.log[-request.lines :]
    size, taken = 0, []
    for line in lines:
        if size + len(line.encode()) >= MAX_LOG_BYTES:
            break
        size += len(line.encode()) + 3
        taken.append(line)
    return ok(f'{{"task_id":"{request.name}", "log_content":{quoted(taken)}}}')


def passwd(node: Node, request: NodeRequest) -> str:
    """Set an account's password through the guest agent."""
    task = existing(node, request.name)
    if not task.is_running:
        raise Refusal("Only the running task can change the password")
    user, password = string(request.additional, "username"), string(request.additional, "password")
    if not password:
        raise Refusal("password can not be empty")
    if not user:
        raise Refusal("user name can not be empty")
    if node.failure("passwd"):
        raise Refusal("Guest agent is not responding: QEMU guest agent is not connected")
    task.login_password = password
    if task.login_user in {"", "N/A"}:
        task.login_user = user
    jobs.note_password(node, task, user, password)
    return ok()
