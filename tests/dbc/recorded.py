"""What each recorded success of a real daemon means: its operation, and a check of its value."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.dbc.client import DbcClient
from bot.dbc.identity import NodeKeySignature, SessionPair, Target, WalletSignature
from bot.dbc.models import Modified, Phase
from bot.dbc.requests import BareMetalChange, BareMetalSpec, CreateSpec, TaskChange
from tests.dbc.conftest import (
    NODE,
    SESSION_ID,
    SESSION_SIGN,
    TASK,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"


def rows(name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file that have an answer, with their number."""
    for number, line in enumerate((RECORDINGS / name).read_text("utf-8").splitlines(), start=1):
        row = json.loads(line)
        if row.get("raw"):
            head, _, body = row["raw"].partition("\r\n\r\n")
            row |= {"status": int(head.split()[1]), "body": body}
        if row["body"] is not None:
            yield number, row


def recorded(name: str, note: str) -> dict[str, Any]:
    """The first row of a file whose note begins so and which succeeded."""
    return next(
        row
        for _, row in rows(name)
        if row["note"].strip().startswith(note) and '"errcode":0' in row["body"].replace(" ", "")
    )


METAL = BareMetalSpec.model_validate(
    {
        "uuid": "3156995b",
        "ip": "192.0.2.1",
        "ipmi_hostname": "ipmi",
        "ipmi_username": "admin",
        "ipmi_password": SecretStr("ipmi-password"),
    }
)
CREATE = CreateSpec(
    task_id=TASK,
    image_name="ubuntu.qcow2",
    gpu_count=1,
    cpu_cores=4,
    mem_size=4,
    disk_size=10,
    ssh_port=5684,
    vnc_port=5904,
)
WALLET = WalletSignature(
    wallet="5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
    nonce=SecretStr("nonce1"),
    sign=SecretStr("0" * 128),
)
MANAGER = Target(
    node_id=NODE,
    credentials=NodeKeySignature(wallet=NODE, nonce=SecretStr("nonce1"), sign=SecretStr("0" * 128)),
)
RENTER = Target(node_id=NODE, credentials=SessionPair.of(SESSION_ID, SESSION_SIGN))
SHOT = "disk.qcow2"

# Path of a recorded success (and what its `additional` is like) -> the operation, and a check of
# its value. `{}` stands for the rest of the path.
Check = Callable[[Any], bool]


def is_none(value: object) -> bool:
    """Whether it is nothing, as for changes that are done."""
    return value is None


Ask = Callable[[DbcClient, str], Awaitable[Any]]
OPERATIONS: list[tuple[str, bool, Ask, Check]] = [
    ("/", False, lambda d, _: d.nodes.version(), lambda v: v == "0.4.1.8"),
    (
        "/mining_nodes",
        False,
        lambda d, _: d.nodes.list(),
        lambda v: all(len(n.node_id) == 64 and n.name and n.version for n in v),
    ),
    (
        "/mining_nodes",
        True,
        lambda d, _: d.nodes.info(NODE),
        lambda v: (
            v.version == "0.4.1.8"
            and (
                v.node_type == "2"
                or (v.gpu.gpu_count == 2 and v.mem.size.gib > 1 and v.cpu.cores > 1)
            )
        ),
    ),
    (
        "/mining_nodes/session_id",
        True,
        lambda d, _: d.nodes.session_id(NODE, WALLET),
        lambda v: len(v.session_id.get_secret_value()) > 40,
    ),
    (
        "/rent_orders",
        True,
        lambda d, _: d.nodes.rent_orders(NODE),
        lambda v: all(o.rent_status == "renting" and o.gpu_index == (0, 1) for o in v),
    ),
    (
        "/tasks",
        True,
        lambda d, _: d.tasks.list(RENTER),
        lambda v: all(t.task_id and t.phase is not Phase.UNKNOWN and t.create_time for t in v),
    ),
    (
        "/tasks/start",
        True,
        lambda d, _: d.tasks.create(RENTER, CREATE),
        lambda v: v.status == "creating" and v.phase is Phase.BUSY,
    ),
    ("/tasks/start/{}", True, lambda d, i: d.tasks.start(RENTER, i), is_none),
    ("/tasks/shutdown/{}", True, lambda d, i: d.tasks.shutdown(RENTER, i), is_none),
    ("/tasks/poweroff/{}", True, lambda d, i: d.tasks.poweroff(RENTER, i), is_none),
    ("/tasks/restart/{}", True, lambda d, i: d.tasks.restart(RENTER, i), is_none),
    ("/tasks/reset/{}", True, lambda d, i: d.tasks.reset(RENTER, i), is_none),
    ("/tasks/delete/{}", True, lambda d, i: d.tasks.delete(RENTER, i), is_none),
    (
        "/tasks/logs/{}",
        True,
        lambda d, i: d.tasks.logs(RENTER, i),
        lambda v: (
            len(v.lines) >= 1 and not any(re.search("(pwd|password): ?[^* ]", x) for x in v.lines)
        ),
    ),
    (
        "/tasks/modify/{}",
        True,
        lambda d, i: d.tasks.modify(RENTER, i, TaskChange(new_public_ip=None)),
        lambda v: v in {Modified.NOW, Modified.NEXT_BOOT},
    ),
    (
        "/tasks/passwd/{}",
        True,
        lambda d, i: d.tasks.passwd(RENTER, i, "dbc", SecretStr("vm123456")),
        is_none,
    ),
    (
        "/tasks/{}",
        True,
        lambda d, i: d.tasks.get(RENTER, i),
        lambda v: (
            len(v.login_password.get_secret_value()) >= 8
            and v.mem_size.in_bytes == 1024**3 * int(v.mem_size.text.rstrip("G"))
            and v.vnc_port >= 5900
            and v.ssh_port > 0
            and v.rdp_port is None
            and all(disk.file.startswith("/data/") and disk.size.gib for disk in v.disks)
            and all(i.type == "virtio" for i in v.interfaces)
        ),
    ),
    (
        "/disk/list/{}",
        True,
        lambda d, i: d.disks.list(RENTER, i),
        lambda v: v[0].name == "vda" and v[0].file.startswith("/data/vm_") and v[0].size.gib >= 350,
    ),
    (
        "/disk/resize/{}",
        True,
        lambda d, i: d.disks.resize(RENTER, i, "vdb", 20),
        is_none,
    ),
    ("/disk/add/{}", True, lambda d, i: d.disks.add(RENTER, i, 20), is_none),
    ("/disk/delete/{}", True, lambda d, i: d.disks.delete(RENTER, i, "vdc"), is_none),
    (
        "/snapshot/list/{}",
        True,
        lambda d, i: (
            d.snapshots.get(RENTER, *i.split("/")) if "/" in i else d.snapshots.list(RENTER, i)
        ),
        lambda v: all(
            (s.name, s.desc) in {("snap1", "..."), ("before-upgrade", "first try")}
            and s.file_name.startswith("snap_")
            for s in (v if isinstance(v, tuple) else (v,))
        ),
    ),
    (
        "/snapshot/create/{}",
        True,
        lambda d, i: d.snapshots.create(RENTER, i, "snap1", "ID_1"),
        is_none,
    ),
    (
        "/snapshot/delete/{}",
        True,
        lambda d, i: d.snapshots.delete(RENTER, *i.split("/")),
        is_none,
    ),
    ("/images/servers", False, lambda d, _: d.images.servers(), lambda v: v == ("ID_1",)),
    ("/images/servers", True, lambda d, _: d.images.servers(), lambda v: v == ("ID_1",)),
    (
        "/images",
        False,
        lambda d, _: d.images.on_server("ID_1"),
        lambda v: {i.name for i in v} >= {"ubuntu.qcow2", "win10.qcow2"},
    ),
    (
        "/images",
        True,
        lambda d, _: d.images.on_node(NODE),
        lambda v: all(i.name.endswith(".qcow2") and i.size.in_bytes for i in v),
    ),
    (
        "/images/download",
        True,
        lambda d, _: d.images.download(RENTER, SHOT, "ID_1"),
        is_none,
    ),
    (
        "/images/upload",
        True,
        lambda d, _: d.images.upload(RENTER, SHOT, "ID_1"),
        is_none,
    ),
    (
        "/images/downloadprogress",
        True,
        lambda d, _: d.images.download_progress(RENTER, SHOT),
        lambda v: (v.percent, v.is_running) in {(100, False), (5, True)},
    ),
    (
        "/images/uploadprogress",
        True,
        lambda d, _: d.images.upload_progress(RENTER, SHOT),
        lambda v: (v.percent, v.status) in {(100, "done"), (6, "uploading")},
    ),
    (
        "/images/download_stop",
        True,
        lambda d, _: d.images.stop_download(RENTER, SHOT),
        is_none,
    ),
    (
        "/images/upload_stop",
        True,
        lambda d, _: d.images.stop_upload(RENTER, SHOT),
        is_none,
    ),
    ("/images/delete", True, lambda d, _: d.images.delete(RENTER, SHOT), is_none),
    ("/lan", True, lambda d, _: d.lans.list(NODE), lambda v: v == ()),
    ("/lan/create", True, lambda d, _: d.lans.create(RENTER, "team01", "192.168.66.0/24"), is_none),
    ("/lan/delete/{}", True, lambda d, i: d.lans.delete(RENTER, i), is_none),
    (
        "/lan/{}",
        True,
        lambda d, i: d.lans.get(i, NODE),
        lambda v: v.network_name == "team01" and v.ip_cidr == "192.168.66.0/24",
    ),
    (
        "/bare_metal",
        False,
        lambda d, _: d.metal.known(),
        lambda v: all(m.name == "dbc-bm" for m in v),
    ),
    (
        "/bare_metal",
        True,
        lambda d, session: d.metal.get(RENTER) if session else d.metal.list(NODE),
        lambda v: all(
            m.ipmi_password.get_secret_value() in {"dbtu2017", "*" * 8, ""}
            and m.is_on
            and m.desc in {"lab", "slot-1"}
            for m in (v if isinstance(v, tuple) else (v,))
        ),
    ),
    (
        "/bare_metal/add",
        True,
        lambda d, uuid: d.metal.add(MANAGER, METAL.model_copy(update={"uuid": uuid})),
        lambda v: len(v.node_id) == 64,
    ),
    (
        "/bare_metal/modify/{}",
        True,
        lambda d, _: d.metal.modify(MANAGER, NODE, BareMetalChange(desc="slot-one")),
        is_none,
    ),
    ("/bare_metal/delete", True, lambda d, _: d.metal.remove(MANAGER, NODE), is_none),
    (
        "/bare_metal/power",
        True,
        lambda d, command: (
            d.metal.power_status(RENTER) if command == "status" else d.metal.power(RENTER, command)  # type: ignore[arg-type]
        ),
        lambda v: v.text.startswith("Chassis") and v.is_on is (True if "is on" in v.text else None),
    ),
]


# What a real manager answered with error code 0, having done nothing.
SOFT_FAILURES = {
    "Set Chassis Power Control to Down/Off failed: Insufficient privilege level",
    "Set Chassis Power Control to Up/On failed: Insufficient privilege level",
}


def operation_of(row: dict[str, Any]) -> tuple[str, Ask, Check, str] | None:
    """The operation that a recorded row stands for, and the rest of its path."""
    path = row["path"].split("?")[0].removeprefix("/api/v1")
    path = path.rstrip("/") or "/"
    has_node = has_json(row) and any(json.loads(row["request_body"]).get("peer_nodes_list", []))
    for pattern, for_node, ask, check in OPERATIONS:
        found = re.fullmatch(pattern.replace("{}", "(.+)"), path)
        if found and for_node == has_node:
            rest = found[1] if "{}" in pattern else ""
            return pattern, ask, check, wanted(row) if path.startswith("/bare_metal") else rest
    return None


def wanted(row: dict[str, Any]) -> str:
    """The power command, the uuid of the machine that is added, or the session that asks."""
    additional = json.loads(row["request_body"])["additional"]
    machines = additional.get("bare_metal_nodes") or [{}]
    return str(
        additional.get("command")
        or machines[0].get("uuid", "")
        or json.loads(row["request_body"]).get("session_id", "")
    )


def has_json(row: dict[str, Any]) -> bool:
    """Whether the request has a body that can be read."""
    try:
        return isinstance(json.loads(row["request_body"]), dict)
    except (ValueError, TypeError):
        return False
