"""Images on a node and transfers to and from image servers.

Source: docs/dbc-api.md §3.5, §5.
"""

from pathlib import PurePosixPath

from sandbox.dbc.endpoints.request import NodeRequest, ok, tight_ok
from sandbox.dbc.images import ImageServer, image_rows, progress_text
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.values import string


def local_images(node: Node, server: ImageServer | None) -> dict[str, int]:
    """Base images in /data, and layered ones that a given server has as well; newest first."""
    busy = {
        disk.source_file
        for task in node.tasks.values()
        if task.is_running
        for disk in task.disks.values()
    }
    found: dict[str, int] = {}
    layered: set[str] = set()
    for path, file in reversed(node.files.items()):
        name = PurePosixPath(path).name
        if path != f"/data/{name}" or not name.endswith(".qcow2") or "data" in name:
            continue
        if path in busy:
            continue
        if file.backing:
            layered.add(name)
        else:
            found[name] = file.size
    shared = server.listing() if server is not None else {}
    return found | {name: size for name, size in shared.items() if name in layered}


def image_list(node: Node, request: NodeRequest) -> str:
    """Images on the node; a renter also sees the system disks of their stopped machines.

    A machine whose disk files were never made breaks the renter's list into an empty one.
    """
    images = local_images(node, request.image_server)
    if request.granted is not None:
        own = [
            task.disks["vda"].source_file
            for task in node.tasks.values()
            if task.wallet == request.wallet and not task.is_running and "vda" in task.disks
        ]
        if any(path not in node.files for path in own):
            return ok("[]")
        names = {PurePosixPath(path).name: node.files[path].size for path in sorted(own)}
        images = {name: size for name, size in images.items() if name not in names} | names
    return ok(f"[{image_rows(images, 'image_name:')}]")


def _file_name(request: NodeRequest, words: str) -> str:
    name = string(request.additional, "image_filename")
    if not name:
        raise Refusal(words)
    return name


def download(node: Node, request: NodeRequest) -> str:
    """Start fetching an image into a directory of the host."""
    if request.image_server is None:
        raise Refusal("no image_server")
    name = _file_name(request, "additional no image_filename")
    directory = string(request.additional, "local_dir")
    if not directory:
        raise Refusal("additional no local_dir")
    if name not in request.image_server.listing():
        raise Refusal(f"image:{name} not exist")
    if name in node.transfers.downloads:
        raise Refusal(f"image:{name} in downloading")
    if not node.transfers.download(name, directory, request.image_server, node.now):
        raise Refusal("query image file size failed")
    node.directories.add(directory)
    return ok()


def download_progress(node: Node, request: NodeRequest) -> str:
    """How far a download is; `done` whenever none runs under that name."""
    name = _file_name(request, "additional no image_filename")
    transfer = node.transfers.downloads.get(name)
    percent = transfer.percent(node.now) if transfer is not None else None
    return tight_ok(progress_text(percent, "downloading"))


def download_stop(node: Node, request: NodeRequest) -> str:
    """Kill a download, if there is one."""
    name = _file_name(request, "additional no image_filename")
    node.transfers.stop_download(name, node.now)
    return tight_ok()


def upload(node: Node, request: NodeRequest) -> str:
    """Start sending a file; it is booked under its absolute path."""
    if request.image_server is None:
        raise Refusal("no image_server")
    name = _file_name(request, "image_filename is empty")
    path = name if name.startswith("/") else f"/data/{name}"
    if path not in node.files:
        raise Refusal(f"image:{name} not exist")
    if path in node.transfers.uploads:
        raise Refusal(f"image:{name} in uploading")
    node.transfers.upload(path, request.image_server, node.now)
    return ok()


def upload_progress(node: Node, request: NodeRequest) -> str:
    """How far an upload is; a relative name is never found and reads `done`."""
    name = _file_name(request, "additional no image_filename")
    transfer = node.transfers.uploads.get(name)
    percent = transfer.percent(node.now) if transfer is not None else None
    return tight_ok(progress_text(percent, "uploading"))


def upload_stop(node: Node, request: NodeRequest) -> str:
    """Kill an upload booked under exactly this name, if there is one."""
    name = _file_name(request, "additional no image_filename")
    node.transfers.stop_upload(name, node.now)
    return tight_ok()


def delete(node: Node, request: NodeRequest) -> str:
    """Remove a file below /data, whoever uses it."""
    name = _file_name(request, "image_filename is empty")
    path = f"/data/{name}"
    if path not in node.files:
        raise Refusal(f"image file:{name} is not exist")
    if name in node.transfers.downloads or path in node.transfers.uploads:
        raise Refusal("image file is in downloading or uploading, please try again later")
    del node.files[path]
    return ok()
