"""Every exchange recorded from a real daemon means the right value or the right error."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.dbc.client import DbcClient
from bot.dbc.endpoint import Auth, Endpoint
from bot.dbc.errors import DbcError, Mode, NotAuthorised, Unconfirmed
from bot.dbc.identity import NodeKeySignature, SessionPair, Target, WalletSignature
from bot.dbc.models import BootResult, Modified, Phase
from bot.dbc.reasons import Reason
from bot.dbc.requests import BareMetalChange, BareMetalSpec, CreateSpec, TaskChange
from bot.dbc.transport import Transport
from bot.folding import sound
from bot.redaction import each_text
from tests.dbc.conftest import (
    NODE,
    QUICK,
    SESSION_ID,
    SESSION_SIGN,
    TASK,
    FakeDaemon,
    HandClock,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"
FILES = sorted(path.name for path in RECORDINGS.glob("*.jsonl"))

# (HTTP status, code, text) as recorded -> class, written down from docs/dbc-api.md §7.
EXPECTED = [
    (200, -3, r"check authority failed: query machine_status failed", "ChainUnavailable"),
    (200, -3, r"check authority failed: .*|verify sign failed", "NotAuthorised"),
    (200, -3, r"task_id not exist|task not exist", "TaskNotFound"),
    (200, -3, r"bare metal client not existed", "NoBackEnd"),
    (200, -3, r"Not supported|bare metal nodes are not supported", "WrongNodeKind"),
    (200, -3, r"bare metal node uuid .* already existed", "Clash"),
    (200, -3, r"network name not exist|/nosuch is not exist", "Missing"),
    (200, -3, r"additional bare_metal_nodes not existed", "Missing"),
    (200, -3, r"'(disk|size|snapshot_name)' is (empty|invalid)", "OperationRefused"),
    (200, -3, r"additional bare_metal_nodes is empty", "OperationRefused"),
    (200, -3, r"bare metal node info .* invalid", "OperationRefused"),
    (200, -3, r"invalid ip cidr|parse shell result error", "OperationRefused"),
    (200, -3, r"network name (can not be empty|requires a combination .*)", "OperationRefused"),
    (200, -3, r"Error: Unable to establish IPMI v2 / RMCP\+ session", "OperationRefused"),
    (200, 1, r"can not enter more than two servers|server not match format .*", "OperationRefused"),
    (200, -1, r"bare metal node id 00 not existed", "Missing"),
    (200, 1, r"task not exist", "TaskNotFound"),
    (200, 1, r"task is (running|shut_off)", "StateConflict"),
    (200, 1, r"please close task first and try again", "StateConflict"),
    (200, 1, r"Only the running task can change the password", "StateConflict"),
    (200, 1, r"port conflict, exist ssh_port = 5684", "Clash"),
    (200, 1, r"allocate (cpu|mem|gpu|disk) failed", "NoCapacity"),
    (200, 1, r"gpu_count exceeds number of leases", "NoCapacity"),
    (200, 1, r"'image_name' is not exist .*|image( file)?:nosuch.qcow2 (is )?not exist", "Missing"),
    (200, 1, r"can not find network info|data_file_name is not exist.*", "Missing"),
    (200, 1, r"(nosuch|snap1|snapshot_name) not exist|task have no disk:vd.", "Missing"),
    (200, 1, r"address is not a multicast address|invalid public ip", "OperationRefused"),
    (200, 1, r"can not allowed to delete disk:'vda'", "OperationRefused"),
    (200, 1, r"\w+ (\d )?is (empty|invalid).*|password can not be empty", "OperationRefused"),
    (200, 1, r"unsupported (bios mode|operation system): .*", "OperationRefused"),
    (400, -32701, r"broadcast request failed", "DaemonDisconnected"),
    (400, -32701, r"create node request failed", "NodeUnknown"),
    (400, -32600, r".*", "InvalidRequest"),
    (404, -32601, r".*", "InvalidRequest"),
    (400, -25, r"image_server not exist", "Missing"),
    (400, -25, r"wallet_sign and multisig_wallets all invalid", "NotAuthorised"),
    (400, -25, r"session_id and wallet all invalid|invalid wallet sign", "NotAuthorised"),
    (400, -25, r".*", "InvalidRequest"),
    (500, -32701, r"Unhandled request", "OutcomeUnknown"),
    (500, -1, r".* timeout", "NodeTimeout"),
    (500, -1, r"(http )?response parse error", "Unreadable"),
]


def expected(status: int, body: str) -> str:
    """The class of the error that an answer is, or `value`."""
    try:
        answer = json.loads(body)
    except ValueError:
        # libevent's own page says that a header is too long or a method unknown to it.
        return "TurnedAway" if status in {400, 501} else "Unreadable"
    code, message = answer["errcode"], answer["message"]
    if code == 0:
        return "value"
    found = [
        name
        for told_status, told_code, pattern, name in EXPECTED
        if (told_status, told_code) == (status, code) and re.fullmatch(pattern, message)
    ]
    return found[0]


def rows(name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a file that have an answer, with their number."""
    for number, line in enumerate((RECORDINGS / name).read_text("utf-8").splitlines(), start=1):
        row = json.loads(line)
        if row.get("raw"):
            head, _, body = row["raw"].partition("\r\n\r\n")
            row |= {"status": int(head.split()[1]), "body": body}
        if row["body"] is not None:
            yield number, row


def as_recorded(row: dict[str, Any]) -> Callable[[web.Request], Any]:
    headers = {
        name: value
        for name, value in (row.get("headers") or {}).items()
        if name not in {"Content-Length", "Connection", "Date"}
    }

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=row["status"], headers=headers, body=row["body"].encode())

    return answer


def plain(path: str) -> Endpoint[object]:
    return Endpoint(path, Mode.CHANGE, Auth.NONE, lambda message: message)


@pytest.mark.parametrize("name", FILES)
async def test_recorded_answer_is_what_it_means(
    name: str, daemon: FakeDaemon, clock: HandClock
) -> None:
    transport = Transport([daemon.url], clock, QUICK)
    wrong = []
    seen = 0
    spoken = True
    for number, row in rows(name):
        daemon.answer = as_recorded(row)
        clock.wind(minutes=10)
        try:
            value = await transport.call(plain("/replayed"))
            got = "value"
            assert value == each_text(json.loads(row["body"])["message"], sound)
        except DbcError as error:
            got = type(error).__name__
            spoken = spoken and bool(error.sentence)
        seen += 1
        if got != expected(row["status"], row["body"]):
            wrong.append((number, row["status"], row["body"], got))
    await transport.close()
    assert not wrong
    assert spoken
    assert seen > 10


def test_few_rows_have_no_answer_to_replay() -> None:
    total = sum(len((RECORDINGS / name).read_text("utf-8").splitlines()) for name in FILES)
    assert total - sum(1 for name in FILES for _ in rows(name)) == 3


REASONS = {
    "machine has already expired": Reason.RENT_EXPIRED,
    "machine is not be rented": Reason.NOT_RENTED,
    "nonce check failed": Reason.SIGNATURE_INVALID,
    "not in verify time": Reason.NOT_VERIFYING,
    "session_id is invalid": Reason.SESSION_INVALID,
    "wallet not rented": Reason.WALLET_NOT_RENTER,
}


async def test_each_recorded_refusal_of_a_caller_has_its_own_reason(
    daemon: FakeDaemon, clock: HandClock
) -> None:
    transport = Transport([daemon.url], clock, QUICK)
    sentences: dict[str, str] = {}
    for _, row in [pair for name in FILES for pair in rows(name)]:
        told = re.search(r"check authority failed: ([\w ]+)", row["body"])
        if told is None or told[1] in {*sentences, "query machine_status failed"}:
            continue
        daemon.answer = as_recorded(row)
        with pytest.raises(NotAuthorised) as caught:
            await transport.call(plain("/replayed"))
        assert caught.value.reason is REASONS[told[1]]
        sentences[told[1]] = caught.value.sentence
    await transport.close()
    assert set(sentences) == set(REASONS)
    assert len(set(sentences.values())) == len(REASONS)


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


async def test_every_recorded_success_becomes_the_value_of_its_operation(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    replayed = set()
    left_out = set()
    softly = set()
    for _, row in [pair for name in FILES for pair in rows(name)]:
        if expected(row["status"], row["body"]) != "value" or row["method"] == "RAW":
            continue
        operation = operation_of(row)
        if operation is None:
            left_out.add(row["path"].split("?")[0])
            continue
        name, ask, check, rest = operation
        daemon.answer = as_recorded(row)
        if str(json.loads(row["body"])["message"]) in SOFT_FAILURES:
            with pytest.raises(Unconfirmed) as caught:
                await ask(dbc, rest)
            assert "Insufficient privilege level" in caught.value.said
            softly.add(caught.value.said)
            continue
        value = await ask(dbc, rest)
        assert check(value), (name, row["body"], value)
        replayed.add(name)
    assert len(replayed) >= 37
    assert softly == SOFT_FAILURES
    # Not offered: these serve no one here, and an upload from the daemon's own host does nothing.
    assert left_out == {
        "/api/v1/mining_nodes/free_memory",
        "/api/v1/images/upload",
        "/api/v1/monitor",
        "/api/v1/monitor/set",
    }


async def test_bootdev_is_sent_with_unknown_result_although_dbc_says_failure(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    row = next(r for _, r in rows("bare-metal.jsonl") if r["path"].endswith("/bootdev"))
    daemon.answer = as_recorded(row)
    assert await dbc.metal.boot(RENTER, "pxe") is BootResult.SENT
    daemon.answer = as_recorded(row | {"body": '{"errcode":0, "message":"ok"}'})
    assert await dbc.metal.boot(RENTER, "pxe") is BootResult.DONE
