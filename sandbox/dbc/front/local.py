"""What the front answers by itself, and the checks that belong to one route only.

Source: docs/dbc-api.md §1.7, §3.5.2-§3.5.8, §3.8.
"""

import json

from sandbox.dbc.endpoints.lan import network_row
from sandbox.dbc.front.envelope import DaemonDied, Envelope
from sandbox.dbc.front.inquiry import Inquiry
from sandbox.dbc.front.replies import RESPONSE_ERROR, FrontError, Reply, pretty
from sandbox.dbc.images import image_rows
from sandbox.dbc.values import atoi, string

CLIENT_VERSION = "0.4.1.8"
MAX_LINES = 100
LAST_WITH_OLD_WORDS = "0.3.9.7"
MAX_PEERS = 50
# Paths that exist on the client daemon's own host.
HOST_FILES = {"/etc/hostname"}


def version(_: Inquiry) -> Reply:
    """The daemon's version, whatever the method."""
    return pretty(0, {"client_version": CLIENT_VERSION})


def node_list(inquiry: Inquiry) -> Reply | None:
    """The GPU nodes this daemon has heard of, when no node is asked."""
    if inquiry.envelope.peers:
        return None
    nodes = inquiry.world.nodes.values() if inquiry.knows_nodes else []
    rows = ",".join(
        f'{{"node_id":"{node.node_id}","name":"{node.name}","version":"{node.version}"}}'
        for node in nodes
        if node.known
    )
    return Reply(200, f'{{"errcode":0, "message":{{"mining_nodes":[{rows}]}}}}')


def metal_list(inquiry: Inquiry) -> Reply | None:
    """The bare-metal machines this daemon has heard of, when no node is asked."""
    if inquiry.envelope.peers:
        return None
    rows = ",".join(
        f'{{"node_id":"{machine.node_id}","name":"{machine.name}","version":"{CLIENT_VERSION}"}}'
        for manager in (inquiry.world.managers.values() if inquiry.knows_nodes else [])
        if manager.known
        for machine in manager.machines.values()
    )
    return Reply(200, f'{{"errcode":0, "message":{{"bare_metal_nodes":[{rows}]}}}}')


def lan_list(inquiry: Inquiry) -> Reply | None:
    """The daemon's own table of networks, when no node is asked."""
    if inquiry.envelope.peers:
        return None
    networks = inquiry.world.networks
    if not inquiry.name:
        rows = ",".join(network_row(networks[name]) for name in sorted(networks))
        return Reply(200, f'{{"errcode":0, "message":{{"networks":[{rows}]}}}}')
    if inquiry.name not in networks:
        raise FrontError("network name not exist", RESPONSE_ERROR)
    return Reply(200, f'{{"errcode":0, "message":{network_row(networks[inquiry.name])}}}')


def server_ids(inquiry: Inquiry) -> Reply:
    """The ids of the configured image servers."""
    ids = ",".join(f'"{server_id}"' for server_id in sorted(inquiry.world.image_servers))
    return Reply(200, f'{{"errcode":0, "message":{{"image_server":[{ids}]}}}}')


def server_images(inquiry: Inquiry) -> Reply | None:
    """An image server's content, when no node is asked."""
    if inquiry.envelope.peer:
        return None
    if inquiry.image_server is None:
        raise FrontError("image_server not exist")
    rows = image_rows(inquiry.image_server.listing(), "image_name")
    return Reply(200, f'{{"errcode":0,"message": [{rows}]}}')


def client_upload(inquiry: Inquiry) -> Reply | None:
    """Upload from the daemon's own host: says ok and uploads nothing."""
    if inquiry.envelope.peer:
        return None
    _need_host_file(inquiry)
    return Reply(200, '{"errcode":0,"message": "ok"}')


def client_upload_progress(inquiry: Inquiry) -> Reply | None:
    """Progress of an upload that never runs: done."""
    if inquiry.envelope.peer:
        return None
    _need_host_file(inquiry)
    return Reply(200, '{"errcode":0,"message":{"status": "done","progress": "100%"}}')


def _need_host_file(inquiry: Inquiry) -> None:
    name = string(inquiry.envelope.additional, "image_filename")
    path = name if name.startswith("/") else f"/data/{name}"
    if path not in HOST_FILES:
        raise FrontError(f"image_filename: /data/{path} not exist")


def peers(inquiry: Inquiry) -> Reply:
    """The daemon's neighbours."""
    option = inquiry.words[0]
    if option not in {"active", "global", "lan"}:
        raise FrontError("invalid option. the option is active or global")
    kind = ', "node_type":"computer", "net_type":"mainnet"' if option == "lan" else ""
    rows = ",".join(
        f'{{"node_id":"{node.node_id}", "addr":"{node.public_ip}:5001"{kind}}}'
        for node in list(inquiry.world.nodes.values())[:MAX_PEERS]
    )
    return Reply(200, f'{{"errcode":0, "message":{{"peer_nodes":[{rows}]}}}}')


def log_window(inquiry: Inquiry) -> None:
    """Read `flag` and `line_num`; without the flag the number is ignored."""
    flag, number = inquiry.query.get("flag", ""), inquiry.query.get("line_num", "")
    if not flag:
        flag, number = "tail", str(MAX_LINES)
    elif flag not in {"head", "tail"}:
        raise FrontError('head_or_tail is invalid"')
    lines = atoi(number or str(MAX_LINES))
    if lines <= 0:
        raise FrontError("invalid line num")
    inquiry.lines = MAX_LINES - 1 if lines > MAX_LINES else lines
    inquiry.from_head = flag == "head"


def force_reboot(inquiry: Inquiry) -> None:
    """Read `force_reboot`: exactly `true`, or a number that is not 0."""
    text = inquiry.query.get("force_reboot", "")
    inquiry.force = text == "true" or atoi(text) != 0


def rewrite_systems(inquiry: Inquiry) -> None:
    """Replace the quoted words "ubuntu" and "win" in the text of `additional`, anywhere.

    For nodes up to 0.3.9.7, by comparison of texts, the other way round.
    """
    found = inquiry.envelope
    node = inquiry.world.nodes.get(found.peer)
    is_old = node is not None and node.version <= LAST_WITH_OLD_WORDS
    text = json.dumps(found.additional, separators=(",", ":"), ensure_ascii=False)
    for old, new in (('"ubuntu"', '"linux"'), ('"win"', '"windows"')):
        text = text.replace(new, old) if is_old else text.replace(old, new)
    inquiry.envelope = Envelope(found.peers, json.loads(text), found.credentials)


def device_fields(inquiry: Inquiry) -> None:
    """Check deeplink's parameters, before the envelope; without `additional` the daemon dies."""
    if "additional" not in inquiry.document:
        raise DaemonDied
    given = inquiry.document["additional"]
    if not isinstance(given, dict):
        raise FrontError("parse json additional failed")
    for name, words in (("device_id", "device id"), ("device_password", "device password")):
        if name in given and not isinstance(given[name], str):
            raise FrontError(f"additional {words} must be a string")
    if "device_id" not in given and "device_password" not in given:
        raise FrontError("invalid device info")
