"""Which path leads where, and through which checks, in the daemon's own order.

Source: docs/dbc-api.md §1.3, §3, §7.3.
"""

from dataclasses import dataclass

from sandbox.dbc.front import local
from sandbox.dbc.front.inquiry import (
    Step,
    credentials,
    detail_from,
    envelope,
    image_server,
    json_body,
    name_from,
    one_of,
    owner,
    peer,
    peer_list,
    post,
    wallet_only,
    words,
)
from sandbox.dbc.front.replies import INVALID_REQUEST, METHOD_NOT_FOUND, RESPONSE_ERROR, FrontError

BASE = "/api/v1"
UNPARSABLE = "response parse error"
HTTP_UNPARSABLE = "http response parse error"
SHORT = "session_id and wallet all invalid"
REQUEST = "parse request params failed: "
REQ = "parse req params failed: "


@dataclass(frozen=True)
class Route:
    """An operation of the front: its checks, and how it words what goes wrong behind it."""

    op: str
    steps: tuple[Step, ...]
    timeout: str = ""
    changing: bool = False
    unparsable: str = UNPARSABLE


def _task(
    verb: str, op: str, timeout: str, *extra: Step, hint: str = "", changing: bool = True
) -> Route:
    hint = hint or f"/tasks/{verb}/<task_id>"
    return Route(
        f"tasks.{op}",
        (
            post,
            words(2, hint=f"invalid uri, please use {hint}"),
            *extra,
            name_from(1, empty="task_id is empty"),
            json_body(),
            envelope(),
            peer,
            credentials(),
        ),
        timeout,
        changing,
    )


_LIST_TASKS = (post, name_from(0), json_body(), envelope(), peer, credentials())
TASKS: dict[str, Route] = {
    "": Route("tasks.list", _LIST_TASKS, "list task timeout"),
    "<id>": Route("tasks.detail", _LIST_TASKS, "list task timeout"),
    "start": Route(
        "tasks.create",
        (post, json_body(), envelope(), peer, credentials(SHORT), local.rewrite_systems),
        "create task timeout",
        changing=True,
    ),
    "start/": _task("start", "start", "start task timeout"),
    "restart/": _task("restart", "restart", "restart task timeout", local.force_reboot),
    "shutdown/": _task("shutdown", "shutdown", "shutdown task timeout"),
    "poweroff/": _task("poweroff", "poweroff", "stop task timeout", hint="/tasks/stop/<task_id>"),
    "stop/": _task("stop", "stop", "stop task timeout"),
    "reset/": _task("reset", "reset", "reset task timeout"),
    "delete/": _task("delete", "delete", "delete task timeout"),
    "logs/": _task("logs", "logs", "task logs timeout", local.log_window, changing=False),
    "modify/": _task("modify", "modify", "modify task timeout"),
    "passwd/": _task("passwd", "passwd", "set task user password timeout"),
}


def _disk(verb: str, *, changing: bool = True) -> Route:
    return Route(
        f"disks.{verb}",
        (
            post,
            name_from(1, empty="task_id is empty"),
            json_body(offset=False),
            envelope(REQUEST),
            peer,
            credentials(SHORT),
        ),
        f"{verb} disk timeout",
        changing,
        HTTP_UNPARSABLE,
    )


DISK = {verb: _disk(verb, changing=verb != "list") for verb in ("list", "resize", "add", "delete")}

_IMAGE_START = (post, json_body(offset=False), envelope(REQUEST))


def _image(op: str, timeout: str, *middle: Step, changing: bool = True) -> Route:
    return Route(
        f"images.{op}",
        (*_IMAGE_START, *middle, credentials(SHORT)),
        timeout,
        changing,
        HTTP_UNPARSABLE,
    )


IMAGES: dict[str, Route] = {
    "": Route(
        "images.list",
        (*_IMAGE_START, image_server(required=False), local.server_images),
        "list images timeout",
        unparsable=HTTP_UNPARSABLE,
    ),
    "servers": Route("images.servers", (post, json_body(offset=False), local.server_ids)),
    "download": _image("download", "download image timeout", peer, image_server(required=True)),
    "downloadprogress": _image(
        "download_progress", "query download image progress timeout", peer, changing=False
    ),
    "download_stop": _image("download_stop", "download image timeout", peer),
    "upload": _image(
        "upload", "upload image timeout", image_server(required=True), local.client_upload
    ),
    "uploadprogress": _image(
        "upload_progress",
        "query upload image progress timeout",
        local.client_upload_progress,
        changing=False,
    ),
    "upload_stop": _image("upload_stop", "upload image timeout", local.client_upload),
    "delete": _image("delete", "upload image timeout", peer),
}

_LIST_SNAPSHOTS = (
    post,
    words(2, 3, hint="invalid uri, please use /snapshot/list/<task_id>[/snapshot_name]"),
    name_from(1),
    detail_from(2),
    json_body(),
    envelope(),
    peer,
    credentials(),
)
SNAPSHOT: dict[str, Route] = {
    "list": Route("snapshots.list", _LIST_SNAPSHOTS, "list snapshot timeout"),
    "list/": Route("snapshots.detail", _LIST_SNAPSHOTS, "list snapshot timeout"),
    "create": Route(
        "snapshots.create",
        (
            post,
            words(2, hint="invalid uri, please use: /snapshot/<task_id>/create"),
            json_body(),
            name_from(1, empty="task_id is empty"),
            envelope(),
            peer,
            image_server(required=True),
            credentials(),
        ),
        "create snapshot timeout",
        changing=True,
    ),
    "delete": Route(
        "snapshots.delete",
        (
            post,
            words(3, hint="invalid uri, please use /snapshot/<task_id>/delete/<snapshot_name>"),
            name_from(1, empty="task_id is empty"),
            detail_from(2, empty="snapshot_name is empty"),
            json_body(),
            envelope(),
            peer,
            credentials(),
        ),
        "delete snapshot timeout",
        changing=True,
    ),
}

NODES: dict[str, Route] = {
    "": Route(
        "nodes.info",
        (post, json_body(), envelope(REQ), local.node_list, image_server(required=False)),
        "query node info timeout",
    ),
    "session_id": Route(
        "nodes.session_id",
        (post, json_body(), envelope(), peer, wallet_only),
        "get session_id timeout",
    ),
    "free_memory": Route(
        "nodes.free_memory",
        (post, json_body(), envelope(), peer, credentials()),
        "free memory timeout",
        changing=True,
        unparsable=HTTP_UNPARSABLE,
    ),
}
LAN: dict[str, Route] = {
    "": Route(
        "lan.list",
        (post, name_from(0), json_body(), envelope(REQ), local.lan_list),
        "list local area network timeout",
    ),
    "create": Route(
        "lan.create",
        (post, json_body(), envelope(), peer, credentials()),
        "create local area network timeout",
        changing=True,
    ),
    "delete": Route(
        "lan.delete",
        (post, name_from(1), json_body(), envelope(), peer_list),
        "delete local area network timeout",
        changing=True,
    ),
}


def _owner(op: str, *extra: Step) -> Route:
    return Route(
        f"metal.{op}",
        (post, *extra, json_body(), envelope(), owner),
        f"{op} bare metal timeout",
        changing=True,
    )


_SIGNED = (post, json_body(), envelope(), peer, credentials())
METAL: dict[str, Route] = {
    "": Route(
        "metal.list",
        (post, name_from(0), json_body(), envelope(REQ), local.metal_list),
        "list bare metal timeout",
    ),
    "add": _owner("add"),
    "delete": _owner("delete"),
    "modify": _owner("modify", name_from(1)),
    "power": Route(
        "metal.power",
        (*_SIGNED, one_of("command", {"on", "off", "reset", "status"})),
        "bare metal power timeout",
        changing=True,
    ),
    "bootdev": Route(
        "metal.bootdev",
        (*_SIGNED, one_of("device", {"none", "pxe", "disk", "cdrom", "bios"})),
        "bare metal bootdev timeout",
        changing=True,
    ),
}
MONITOR: dict[str, Route] = {
    "": Route("monitor.list", _SIGNED, "list monitor server timeout"),
    "set": Route("monitor.set", _SIGNED, "set monitor server timeout", changing=True),
}
DEEPLINK: dict[str, Route] = {
    "": Route(
        "deeplink.detail",
        (post, json_body(), envelope(REQ), peer, credentials()),
        "list bare metal timeout",
    ),
    "set": Route(
        "deeplink.set",
        (post, json_body(), local.device_fields, envelope(REQ), peer, credentials()),
        "list bare metal timeout",
        changing=True,
    ),
}
RENT_ORDERS = Route(
    "rent_orders.list",
    (post, json_body(), envelope(REQ), peer),
    "query node rent orders timeout",
)
PEERS = Route("peers.list", (post, local.peers))
VERSION = Route("version", (local.version,))


def split(target: str) -> tuple[list[str], dict[str, str]]:
    """Words and query of what follows a group's prefix, without any percent-decoding."""
    path, _, query = target.partition("?")
    found = path.removeprefix("/").split("/")
    if not found[-1]:
        found.pop()
    pairs = [item.split("=") for item in query.split("&")]
    return found, {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and pair[1]}


def find(target: str) -> tuple[Route, list[str], dict[str, str]]:
    """The route of a request target, its words and its query; raises FrontError."""
    if not target.startswith(BASE):
        raise FrontError(f"request uri is invalid, uri:{target}", INVALID_REQUEST)
    rest = target.removeprefix(BASE)
    if rest == "/":
        return VERSION, [], {}
    for prefix, chooser in _GROUPS.items():
        if rest.startswith(prefix):
            found, query = split(rest.removeprefix(prefix))
            return chooser(found), found, query
    raise FrontError(f"not support uri:{target}", METHOD_NOT_FOUND, 404)


def _lost(text: str = "invalid requests uri") -> FrontError:
    return FrontError(text, INVALID_REQUEST)


def _unhandled(_: list[str]) -> Route:
    raise FrontError("Unhandled request", RESPONSE_ERROR, 500)


def _tasks(found: list[str]) -> Route:
    if len(found) > 2:
        raise _lost()
    if len(found) == 2:
        return TASKS.get(f"{found[0]}/") or _unhandled(found)
    if not found or not found[0]:
        return TASKS[""]
    return TASKS["start"] if found[0] == "start" else TASKS["<id>"]


def _images(found: list[str]) -> Route:
    if not found:
        return IMAGES[""]
    if len(found) == 1 and found[0] in IMAGES and found[0]:
        return IMAGES[found[0]]
    raise _lost()


def _snapshot(found: list[str]) -> Route:
    if 1 <= len(found) <= 3 and found[0] in {"list", "create", "delete"}:
        return SNAPSHOT["list/"] if found[0] == "list" and len(found) == 3 else SNAPSHOT[found[0]]
    raise _lost("invalid uri")


def _disks(found: list[str]) -> Route:
    if len(found) == 2 and found[0] in DISK:
        return DISK[found[0]]
    raise _lost()


def _nodes(found: list[str]) -> Route:
    if not found:
        return NODES[""]
    if len(found) == 1 and found[0] and found[0] in NODES:
        return NODES[found[0]]
    raise _lost()


def _peers(found: list[str]) -> Route:
    if len(found) == 1:
        return PEERS
    raise _lost()


def _monitor(found: list[str]) -> Route:
    if len(found) > 1:
        raise _lost()
    return MONITOR["set" if found == ["set"] else ""]


def _lan(found: list[str]) -> Route:
    if len(found) == 2 and found[0] == "delete":
        return LAN["delete"]
    if len(found) > 1:
        raise _lost()
    return LAN["create" if found == ["create"] else ""]


def _metal(found: list[str]) -> Route:
    if len(found) == 2 and found[0] == "modify":
        return METAL["modify"]
    if len(found) > 1:
        raise _lost()
    verb = found[0] if found else ""
    return METAL[verb if verb in {"add", "delete", "power", "bootdev"} else ""]


def _deeplink(found: list[str]) -> Route:
    if not found or found == ["set"]:
        return DEEPLINK["set" if found else ""]
    raise _lost()


def _rent_orders(found: list[str]) -> Route:
    if len(found) > 1:
        raise _lost()
    return RENT_ORDERS


# First match by prefix, in this order.
_GROUPS = {
    "/tasks": _tasks,
    "/images": _images,
    "/snapshot": _snapshot,
    "/disk": _disks,
    "/mining_nodes": _nodes,
    "/peers": _peers,
    "/stat": _unhandled,
    "/config": _unhandled,
    "/monitor": _monitor,
    "/lan": _lan,
    "/bare_metal": _metal,
    "/deeplink": _deeplink,
    "/rent_orders": _rent_orders,
}
