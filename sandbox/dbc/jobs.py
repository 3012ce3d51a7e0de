"""What the worker does for each kind of job: generators of step durations.

Source: docs/dbc-api.md §4.3-§4.4 and the upstream `process_*` functions. Knows nothing of requests.
"""

import json

from sandbox.dbc import values
from sandbox.dbc.host import Host
from sandbox.dbc.images import ImageFile, ImageServer
from sandbox.dbc.spelling import SPELLINGS
from sandbox.dbc.task import Disk, Libvirt, Snapshot, Status, Task
from sandbox.dbc.worker import Job

FILTER_FIELDS = 5
# What libvirt has no element for; such a filter breaks the definition, not the acceptance.
UNDEFINABLE_PROTOCOL = "ftp"
# What user and password read when the guest agent did not take the password.
NOT_SET = "N/A"


def create(node: Host, task: Task) -> Job:
    """Define, power on, wait for a lease, forward ports, set the password."""
    yield node.durations.define
    if task.task_id not in node.tasks:
        return
    failure = node.failure("create")
    if failure == "no_domain" or _breaks_definition(task):
        text = "create network filter failed"
        node.log(task, "TaskManager.cpp", 2846, "process_create_task", text)
        task.settle(Status.CREATING, Status.CREATE_ERROR)
        return
    define(node, task)
    if task.bios_mode != "pxe":
        yield node.durations.lease
        if not _connect(node, task, failure):
            return
        yield node.durations.password
        _set_first_password(node, task, failure)
    node.log(task, "TaskManager.cpp", 2923, "process_create_task", "create task successful")
    task.settle(Status.CREATING, Status.RUNNING)


def define(node: Host, task: Task) -> None:
    """Give a machine files and a running domain, with the log lines of it."""
    threads = 2 if task.cpu_cores % 2 == 0 else 1
    cores = task.cpu_cores // threads
    pci = "".join(f"0{1 + gpu}:00.0|0{1 + gpu}:00.1|" for gpu in task.gpus)

    def note(line: int, text: str) -> None:
        node.log(task, "vm_client.cpp", line, "CreateDomain", text)

    note(867, f"vga_pci: {pci}")
    note(874, f"vcpus: {task.cpu_cores}, sockets: 1, cores: {cores}, threads: {threads}")
    note(879, f"mem: {task.memory // 1024}KB")
    note(886, f"uuid: {values.uuid_text(node.random)}")
    note(888, f"bios mode: {task.bios_mode}, operation system: {task.operation_system}")
    if "vda" in task.disks:
        vda, vdb = task.disks["vda"].source_file, task.disks["vdb"]
        image = f"/data/{task.image_name}"
        made = "cluster_size=65536 extended_l2=off compression_type=zlib size=10737418240"
        rest = "lazy_refcounts=off refcount_bits=16"
        note(
            900,
            f"create vm, cmd: qemu-img create -f qcow2 -F qcow2 -b {image} {vda}, "
            f"result: Formatting '{vda}', fmt=qcow2 {made} backing_file={image} "
            f"backing_fmt=qcow2 {rest}",
        )
        lost = f"lookup domain:{task.task_id} is nullptr"
        node.log(task, "vm_client.cpp", 1678, "GetDomainStatus", lost)
        size = values.gigabytes(vdb.size)
        note(
            909,
            f"create data: qemu-img create -f qcow2 {vdb.source_file} {size}, "
            f"result: Formatting '{vdb.source_file}', fmt=qcow2 {made} {rest}",
        )
    note(931, f"vnc port: {task.vnc_port}, password: {task.vnc_password}")
    node.define(task)


def _connect(node: Host, task: Task, failure: str) -> bool:
    """Find the machine's address and forward its ports; cut its power when that fails."""
    if task.task_id not in node.tasks or task.domain is None:
        return False
    if failure in {"no_lease", "no_forwards"}:
        what = "get domain local ip" if failure == "no_lease" else "create task iptable"
        node.log(task, "TaskManager.cpp", 2868, "process_create_task", f"{what} failed")
        task.domain.state = Libvirt.SHUT_OFF
        task.settle(Status.CREATING, Status.CREATE_ERROR)
        return False
    task.forwards = True
    node.log(
        task,
        "TaskManager.cpp",
        2945,
        "create_task_iptable",
        f"create iptable successful, host_ip:{node.host_ip} ssh_port:{task.ssh_port} "
        f"rdp_port:{task.rdp_port} custom_port.size:{len(task.custom_ports)} "
        f"task_local_ip:192.168.122.23 public_ip:{task.public_ip}",
    )
    return True


def _set_first_password(node: Host, task: Task, failure: str) -> None:
    if failure == "no_agent":
        text = (
            f"set vm user password failed, user:{task.default_user}, guest agent is not connected"
        )
        node.log(task, "vm_client.cpp", 1990, "SetDomainUserPassword", text)
        task.login_user = NOT_SET
        task.login_password = NOT_SET
        return
    task.login_user = task.default_user
    note_password(node, task, task.login_user, task.login_password)


def note_password(node: Host, task: Task, user: str, password: str) -> None:
    """Log a set password: in clear as the real node does, or as another version of it might."""
    text = f"set vm user password successful, user:{user}, pwd:{password}"
    if node.log_spelling:
        # Escaped once more: the log is pasted into JSON, and read there it is spelled like this.
        spelled = json.dumps(SPELLINGS[node.log_spelling](password))[1:-1]
        text = f"account {user} may log in with {spelled} from now on"
    node.log(task, "vm_client.cpp", 1982, "SetDomainUserPassword", text)


def _breaks_definition(task: Task) -> bool:
    split = [it.split(",") for it in task.filters]
    return any(len(it) == FILTER_FIELDS and it[1] == UNDEFINABLE_PROTOCOL for it in split)


def start(node: Host, task: Task) -> Job:
    """Power on."""
    yield node.durations.start
    _power(node, task, "start", Libvirt.RUNNING, Status.STARTING, Status.RUNNING)
    if task.is_running:
        task.forwards = True


def shutdown(node: Host, task: Task) -> Job:
    """Cut the power, whatever the name says."""
    yield node.durations.shutdown
    _power(node, task, "shutdown", Libvirt.SHUT_OFF, Status.SHUTTING_DOWN, Status.CLOSED)


def poweroff(node: Host, task: Task) -> Job:
    """Cut the power."""
    yield node.durations.poweroff
    _power(node, task, "poweroff", Libvirt.SHUT_OFF, Status.POWERING_OFF, Status.CLOSED)


def restart(node: Host, task: Task) -> Job:
    """Ask the guest to reboot, or power on one that is off."""
    yield node.durations.restart
    _power(node, task, "restart", Libvirt.RUNNING, Status.RESTARTING, Status.RUNNING)


def force_restart(node: Host, task: Task) -> Job:
    """Cut the power, wait, power on; one that is off is simply powered on."""
    yield node.durations.restart
    if task.domain is not None and task.libvirt is not Libvirt.SHUT_OFF:
        task.domain.state = Libvirt.SHUT_OFF
        yield node.durations.force_gap
    _power(node, task, "restart", Libvirt.RUNNING, Status.RESTARTING, Status.RUNNING)


def reset(node: Host, task: Task) -> Job:
    """Press the reset button."""
    yield node.durations.reset
    _power(node, task, "reset", Libvirt.RUNNING, Status.RESETTING, Status.RUNNING)


_ERRORS = {
    "start": Status.START_ERROR,
    "shutdown": Status.SHUTDOWN_ERROR,
    "poweroff": Status.POWEROFF_ERROR,
    "restart": Status.RESTART_ERROR,
    "reset": Status.RESET_ERROR,
}


def _power(
    node: Host, task: Task, kind: str, state: Libvirt, during: Status, after: Status
) -> None:
    if task.task_id not in node.tasks:
        return
    if task.domain is None or node.failure(kind):
        node.log(task, "TaskManager.cpp", 3010, f"process_{kind}_task", f"{kind} task failed")
        task.settle(during, _ERRORS[kind])
        return
    task.domain.state = state
    node.log(task, "TaskManager.cpp", 3030, f"process_{kind}_task", f"{kind} task successful")
    task.settle(during, after)


def delete(node: Host, task: Task) -> Job:
    """Destroy the machine with all disks and snapshot files."""
    yield node.durations.delete
    node.drop(task)


def resize_disk(node: Host, task: Task, name: str, increment: int) -> Job:
    """Grow a disk by `increment` bytes."""
    yield node.durations.resize
    if name in task.disks:
        task.disks[name].size += increment


def add_disk(node: Host, task: Task, size: int, directory: str) -> Job:
    """Attach a new disk; when that fails nothing tells."""
    yield node.durations.add
    if task.task_id not in node.tasks or node.failure("attach"):
        return
    name = task.next_disk_name()
    task.disks[name] = Disk(name, node.data_file(directory), size)
    node.make_files(task)


def delete_disk(node: Host, task: Task, name: str) -> Job:
    """Detach a disk and remove its file."""
    yield node.durations.detach
    if node.failure("detach"):
        return
    disk = task.disks.pop(name, None)
    if disk is not None:
        node.files.pop(disk.source_file, None)


def create_snapshot(node: Host, task: Task, snapshot: Snapshot, server: ImageServer) -> Job:
    """Convert the system disk, start its upload; deleting the record stops neither."""
    yield node.durations.convert
    if node.failure("snapshot"):
        if snapshot in task.snapshots:
            task.snapshots.remove(snapshot)
        return
    size = node.files[task.disks["vda"].source_file].size if "vda" in task.disks else 0
    node.files[snapshot.file] = ImageFile(max(size, 1), task.root_backing)

    def uploaded() -> None:
        task.snapshot_status[snapshot.name] = "none"

    node.transfers.upload(snapshot.file, server, node.now, uploaded)
    task.snapshot_status[snapshot.name] = "uploading"
