"""Data disks of a machine.

Source: docs/dbc-api.md §3.3, §11.2.
"""

from sandbox.dbc import jobs
from sandbox.dbc.endpoints.request import NodeRequest, tight_ok
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal, TightRefusal
from sandbox.dbc.task import Libvirt, Task
from sandbox.dbc.values import GIB, integer, size_text, string

# The node reads `size` into an uninitialised variable. What that held on the measured node when no
# usable size was sent: about a TiB, but for a disk added to a machine that is off, nothing.
RUBBISH_SIZE_GIB = 1024
MIB = 1024**2


def _disk_task(node: Node, request: NodeRequest) -> Task:
    task = node.tasks.get(request.name)
    if task is None or task.domain is None:
        raise Refusal("task not exist", -3)
    if task.bios_mode == "pxe":
        raise Refusal("pxe not support disk", -3)
    return task


def _need_closed(task: Task) -> None:
    if task.libvirt is not Libvirt.SHUT_OFF:
        raise TightRefusal("please close task first and try again")


def disk_list(node: Node, request: NodeRequest) -> str:
    """The disks by name; sizes lose remainders from T on."""
    task = _disk_task(node, request)
    rows = ",".join(
        f'{{"name":"{disk.name}","file":"{disk.source_file}","size":"{size_text(disk.size)}"}}'
        for _, disk in sorted(task.disks.items())
    )
    return tight_ok(f"[{rows}]")


def resize(node: Node, request: NodeRequest) -> str:
    """Queue growth by `size` GiB; anything but an integer grows it by rubbish."""
    task = _disk_task(node, request)
    name = string(request.additional, "disk")
    if not name:
        raise Refusal("'disk' is empty", -3)
    size = integer(request.additional, "size")
    if size is None:
        size = RUBBISH_SIZE_GIB
    if size <= 0:
        raise Refusal("'size' is invalid", -3)
    if name not in task.disks:
        raise TightRefusal(f"task have no disk:{name}")
    _need_closed(task)
    node.push("resize", task, jobs.resize_disk(node, task, name, size * GIB))
    return tight_ok()


def add(node: Node, request: NodeRequest) -> str:
    """Queue a new disk of `size` GiB in a directory of the host."""
    task = _disk_task(node, request)
    size = integer(request.additional, "size")
    if size is None:
        size = RUBBISH_SIZE_GIB if task.is_running else 0
    if size <= 0:
        raise Refusal("'size' is invalid", -3)
    directory = string(request.additional, "mount_dir") or "/data"
    if directory not in node.directories:
        raise Refusal(f"{directory} is not exist", -3)
    _need_closed(task)
    if directory == "/data" and node.data_available <= MIB:
        raise TightRefusal(f"mount directory:{directory} have no enough space")
    node.push("add", task, jobs.add_disk(node, task, size * GIB, directory))
    return tight_ok()


def delete(node: Node, request: NodeRequest) -> str:
    """Queue the removal of a disk and its file."""
    task = _disk_task(node, request)
    name = string(request.additional, "disk")
    if not name:
        raise Refusal("'disk' is empty", -3)
    if name not in task.disks:
        raise TightRefusal(f"task have no disk:{name}")
    _need_closed(task)
    if name == "vda":
        raise TightRefusal("can not allowed to delete disk:'vda'")
    node.push("detach", task, jobs.delete_disk(node, task, name))
    return tight_ok()
