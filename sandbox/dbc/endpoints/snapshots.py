"""Snapshots of a machine's system disk.

Source: docs/dbc-api.md §3.4, §6.
"""

from sandbox.dbc import jobs
from sandbox.dbc.endpoints.request import NodeRequest, ok, tight_ok
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal, TightRefusal
from sandbox.dbc.task import Libvirt, Snapshot, Task
from sandbox.dbc.values import string, time_text


def _row(task: Task, snapshot: Snapshot) -> str:
    return (
        f'{{"snapshot_name":"{snapshot.name}", "description":"{snapshot.description}", '
        f'"snapshot_file":"{snapshot.file}", "create_time":"{time_text(snapshot.created_at)}", '
        f'"status":"{task.snapshot_status.get(snapshot.name, "none")}"}}'
    )


def snapshot_list(node: Node, request: NodeRequest) -> str:
    """The snapshots of a machine; an unknown machine has none."""
    task = node.tasks.get(request.name)
    rows = [_row(task, it) for it in task.snapshots] if task is not None else []
    return ok("[" + ",".join(rows) + "]")


def snapshot_detail(node: Node, request: NodeRequest) -> str:
    """The first snapshot of that name."""
    task = node.tasks.get(request.name)
    snapshot = task.snapshot(request.detail) if task is not None else None
    if task is None or snapshot is None:
        raise Refusal("snapshot_name not exist")
    return ok(_row(task, snapshot))


def create(node: Node, request: NodeRequest) -> str:
    """Queue a copy of the system disk and its upload; names may repeat."""
    name = string(request.additional, "snapshot_name")
    if not name:
        raise Refusal("'snapshot_name' is empty", -3)
    task = node.tasks.get(request.name)
    server = request.image_server
    if task is None or not task.disks or server is None:
        raise TightRefusal("task have no disk")
    if task.libvirt is not Libvirt.SHUT_OFF:
        raise TightRefusal("please close task first and try again")
    if not task.root_backing:
        raise TightRefusal("not found vda's root backfile")
    description = string(request.additional, "desc")
    snapshot = Snapshot(name, description, node.snapshot_file(), node.now)
    task.snapshots.append(snapshot)
    task.snapshot_status[name] = "creating"
    node.push("snapshot", task, jobs.create_snapshot(node, task, snapshot, server))
    return tight_ok()


def delete(node: Node, request: NodeRequest) -> str:
    """Stop its upload, remove the host's file and the record; the server's copy stays."""
    task = node.tasks.get(request.name)
    snapshot = task.snapshot(request.detail) if task is not None else None
    if task is None or snapshot is None:
        raise TightRefusal(f"{request.detail} not exist")
    node.transfers.stop_upload(snapshot.file, node.now)
    node.files.pop(snapshot.file, None)
    task.snapshots.remove(snapshot)
    return tight_ok()
