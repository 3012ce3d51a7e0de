"""What DBC would misread, drop or choke on never leaves the house (docs/dbc-api.md §8)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from bot.dbc import fields
from bot.dbc.client import DbcClient
from bot.dbc.errors import Delivery, InvalidField
from bot.dbc.identity import Target
from bot.dbc.requests import CreateSpec, TaskChange
from bot.errors import Refused
from bot.ids import NodeId, new_id
from tests.dbc.conftest import NODE, TASK, FakeDaemon, in_turn, ok, text

Ask = Callable[[DbcClient, Target], Awaitable[Any]]

BAD_CALLS: list[tuple[Ask, str]] = [
    # ids in paths
    (lambda d, t: d.tasks.get(t, ""), "task_id"),
    (lambda d, t: d.tasks.start(t, ""), "task_id"),
    (lambda d, t: d.tasks.delete(t, ""), "task_id"),
    (lambda d, t: d.tasks.get(t, "start"), "task_id"),
    (lambda d, t: d.tasks.get(t, "delete"), "task_id"),
    (lambda d, t: d.tasks.get(t, ".."), "task_id"),
    (lambda d, t: d.tasks.get(t, 'no"such'), "task_id"),
    (lambda d, t: d.tasks.get(t, "a/b"), "task_id"),
    (lambda d, t: d.tasks.get(t, "a?b"), "task_id"),
    (lambda d, t: d.tasks.get(t, "a%20b"), "task_id"),
    (lambda d, t: d.tasks.get(t, "机器"), "task_id"),
    (lambda d, t: d.tasks.get(t, "abc\n"), "task_id"),
    (lambda d, t: d.disks.list(t, ""), "task_id"),
    (lambda d, t: d.snapshots.list(t, "a b"), "task_id"),
    # logs
    (lambda d, t: d.tasks.logs(t, TASK, "tail", 0), "line_num"),
    (lambda d, t: d.tasks.logs(t, TASK, "tail", 101), "line_num"),
    (lambda d, t: d.tasks.logs(t, TASK, "middle", 5), "flag"),  # type: ignore[arg-type]
    # passwords
    (lambda d, t: d.tasks.passwd(t, TASK, "dbc", SecretStr("")), "password"),
    (lambda d, t: d.tasks.passwd(t, TASK, "dbc", SecretStr('a"b')), "password"),
    (lambda d, t: d.tasks.passwd(t, TASK, "dbc", SecretStr("a\\b")), "password"),
    (lambda d, t: d.tasks.passwd(t, TASK, "dbc", SecretStr("a\x07b")), "password"),
    (lambda d, t: d.tasks.passwd(t, TASK, "", SecretStr("fine")), "username"),
    (lambda d, t: d.tasks.passwd(t, TASK, 'd"', SecretStr("fine")), "username"),
    # disks
    (lambda d, t: d.disks.resize(t, TASK, "vdb", 0), "size"),
    (lambda d, t: d.disks.resize(t, TASK, "vdb", -5), "size"),
    (lambda d, t: d.disks.resize(t, TASK, "vdb", "20"), "size"),  # type: ignore[arg-type]
    (lambda d, t: d.disks.resize(t, TASK, "vdb", 2.5), "size"),  # type: ignore[arg-type]
    (lambda d, t: d.disks.resize(t, TASK, "vdb", True), "size"),
    (lambda d, t: d.disks.resize(t, TASK, "vdb", 2**31), "size"),
    (lambda d, t: d.disks.resize(t, TASK, "", 1), "disk"),
    (lambda d, t: d.disks.resize(t, TASK, "sda; reboot", 1), "disk"),
    (lambda d, t: d.disks.add(t, TASK, "20"), "size"),  # type: ignore[arg-type]
    (lambda d, t: d.disks.add(t, TASK, 20, "data"), "mount_dir"),
    (lambda d, t: d.disks.add(t, TASK, 20, "/"), "mount_dir"),
    (lambda d, t: d.disks.add(t, TASK, 20, "/data/../etc"), "mount_dir"),
    (lambda d, t: d.disks.add(t, TASK, 20, "/data;reboot"), "mount_dir"),
    (lambda d, t: d.disks.add(t, TASK, 20, "/my data"), "mount_dir"),
    (lambda d, t: d.disks.delete(t, TASK, "vda"), "disk"),
    # snapshots
    (lambda d, t: d.snapshots.create(t, TASK, "", "ID_1"), "snapshot_name"),
    (lambda d, t: d.snapshots.create(t, TASK, "a/b", "ID_1"), "snapshot_name"),
    (lambda d, t: d.snapshots.create(t, TASK, "a b", "ID_1"), "snapshot_name"),
    (lambda d, t: d.snapshots.create(t, TASK, "a?", "ID_1"), "snapshot_name"),
    (lambda d, t: d.snapshots.create(t, TASK, "..", "ID_1"), "snapshot_name"),
    (lambda d, t: d.snapshots.create(t, TASK, "snap", ""), "image_server"),
    (lambda d, t: d.snapshots.create(t, TASK, "snap", "ID_1", 'say "x"'), "desc"),
    (lambda d, t: d.snapshots.get(t, TASK, ""), "snapshot_name"),
    (lambda d, t: d.snapshots.delete(t, TASK, ""), "snapshot_name"),
    # images
    (lambda d, _: d.images.on_server(""), "image_server"),
    (lambda d, t: d.images.download(t, "ubuntu", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "a b.qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "$(id).qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "-e.qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "../x.qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "a..qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.download(t, "u.qcow2", "ID_1", "data"), "local_dir"),
    (lambda d, t: d.images.download(t, "u.qcow2", "ID_1", "/data/`id`"), "local_dir"),
    (lambda d, t: d.images.upload(t, "data/u.qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.upload(t, "/data/../u.qcow2", "ID_1"), "image_filename"),
    (lambda d, t: d.images.upload_progress(t, ""), "image_filename"),
    (lambda d, t: d.images.delete(t, "/data/u.qcow2"), "image_filename"),
    (lambda d, _: d.images.on_node(NodeId("A" * 64)), "node_id"),
    (lambda d, _: d.nodes.info(NodeId(f"0x{NODE}")), "node_id"),
    (lambda d, _: d.nodes.info(NodeId(NODE[:-1])), "node_id"),
    (lambda d, _: d.nodes.info(NodeId("")), "node_id"),
    # networks
    (lambda d, t: d.lans.create(t, "test", "192.168.66.0/24"), "network_name"),
    (lambda d, t: d.lans.create(t, "toolongname", "192.168.66.0/24"), "network_name"),
    (lambda d, t: d.lans.create(t, "lan_01", "192.168.66.0/24"), "network_name"),
    (lambda d, t: d.lans.create(t, "ubuntu", "192.168.66.0/24"), "network_name"),
    (lambda d, t: d.lans.create(t, "windows", "192.168.66.0/24"), "network_name"),
    (lambda d, _: d.lans.get("create"), "network_name"),
    (lambda d, _: d.lans.get("delete", NODE), "network_name"),
    (lambda d, t: d.lans.create(t, "lan001", "nonsense"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "host/24"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.66.0"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.66.0/7"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.66.0/31"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.66.0/255.255.255.0"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.300.0/24"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.122.0/24"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "192.168.0.0/16"), "ip_cidr"),
    (lambda d, t: d.lans.create(t, "lan001", "fd00::/24"), "ip_cidr"),
    # bare metal
    (lambda d, t: d.metal.power(t, "cycle"), "command"),  # type: ignore[arg-type]
    (lambda d, t: d.metal.boot(t, "usb"), "device"),  # type: ignore[arg-type]
    (lambda d, _: d.metal.find(NODE, ""), "node_id"),
    (lambda d, t: d.metal.remove(t, "00"), "machine_id"),
]


@pytest.mark.parametrize(("ask", "field"), BAD_CALLS)
async def test_trap_is_refused_before_anything_is_sent(
    ask: Ask, field: str, daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    with pytest.raises(InvalidField) as caught:
        await ask(dbc, target)
    assert caught.value.field == field
    assert field in caught.value.sentence
    assert caught.value.delivery is Delivery.NOT_SENT
    assert isinstance(caught.value, Refused)
    assert daemon.requests == []


CREATE: dict[str, Any] = {
    "task_id": TASK,
    "image_name": "ubuntu.qcow2",
    "gpu_count": 2,
    "cpu_cores": 8,
    "mem_size": 64,
    "disk_size": 100,
    "ssh_port": 5684,
    "vnc_port": 5904,
}

BAD_CREATIONS: list[dict[str, Any]] = [
    {"task_id": ""},
    {"task_id": None},
    {"task_id": "x" * 19},
    {"task_id": "x" * 23},
    {"task_id": "7a9QmX2c4TfJ6bKpR8sV-D"},
    {"image_name": ""},
    {"image_name": "ubuntu.img"},
    {"image_name": 'no"such.qcow2'},
    {"image_name": "/data/ubuntu.qcow2"},
    {"gpu_count": -1},
    {"gpu_count": True},
    {"gpu_count": 1.0},
    {"gpu_count": None},
    {"gpu_count": "many"},
    {"cpu_cores": 0},
    {"mem_size": 0},
    {"mem_size": "64G"},
    {"disk_size": 0},
    {"disk_size": None},
    {"ssh_port": 0},
    {"ssh_port": 99999},
    {"ssh_port": None},
    {"vnc_port": 100},
    {"vnc_port": 65536},
    {"vnc_port": None},
    {"operation_system": "macos"},
    {"bios_mode": "efi"},
    {"public_ip": "host"},
    {"public_ip": "1.2.3"},
    {"public_ip": "::1"},
    {"desc": 'a "quoted" word'},
    {"desc": "back\\slash"},
    {"desc": "two\nlines"},
    {"desc": "tab\t"},
    {"desc": "\x7f"},
    {"desc": "\ud800"},
    {"desc": "ubuntu"},
    {"desc": "win"},
    {"desc": "linux"},
    {"desc": "windows"},
    {"data_file_name": "../x"},
    {"data_file_name": "a|b"},
    {"data_file_name": "linux"},
    {"network_name": "test"},
    {"network_name": "ubuntu"},
    {"custom_port": ["tcp,99999"]},
    {"custom_port": ["tcp/udp,123"]},
    {"custom_port": [123]},
    {"custom_port": "tcp,123"},
    {"multicast": ["example.org:5000"]},
    {"multicast": ["10.0.0.1:5000"]},
    {"network_filters": ["in,ftp,21,0.0.0.0/0,accept"]},
    {"network_filters": ["in,gre,all,10.0.0.1/32,accept"]},
    {"interface_model_type": "e100"},
    {"pub_key": "unknown field"},
]


@pytest.mark.parametrize("change", BAD_CREATIONS, ids=str)
def test_creation_that_dbc_would_misread_cannot_be_made(change: dict[str, Any]) -> None:
    (field,) = change
    with pytest.raises(InvalidField) as caught:
        CreateSpec(**(CREATE | change))
    assert caught.value.field == field
    assert field in caught.value.sentence
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_of_ports_that_must_differ_the_one_that_is_given_twice_is_at_fault() -> None:
    with pytest.raises(InvalidField) as caught:
        CreateSpec(**(CREATE | {"ssh_port": 5684, "rdp_port": 5684, "vnc_port": 5904}))
    assert caught.value.field == "rdp_port"


def test_creation_lacking_its_own_id_cannot_be_made() -> None:
    with pytest.raises(InvalidField) as caught:
        CreateSpec(**{k: v for k, v in CREATE.items() if k != "task_id"})
    assert caught.value.field == "task_id"


async def test_creation_is_sent_as_dbc_wants_it(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = text('{"errcode":0,"message":{"task_id":"x","status":"creating"}}')
    spec = CreateSpec(
        **CREATE
        | {
            "gpu_count": "2",
            "operation_system": "Ubuntu",
            "desc": "训练 🚀 <!channel>",
            "custom_port": ["tcp,111:222"],
            "multicast": ["239.0.0.1:5000"],
            "network_filters": ["in,tcp,22,0.0.0.0/0,accept"],
            "public_ip": "203.0.113.7",
        }
    )
    await dbc.tasks.create(target, spec)
    assert daemon.requests[0][1]["additional"] == {
        "task_id": TASK,
        "image_name": "ubuntu.qcow2",
        "gpu_count": "2",
        "cpu_cores": "8",
        "mem_size": "64",
        "disk_size": "100",
        "ssh_port": "5684",
        "vnc_port": "5904",
        "operation_system": "linux",
        "bios_mode": "legacy",
        "desc": "训练 🚀 <!channel>",
        "custom_port": ["tcp,111:222"],
        "multicast": ["239.0.0.1:5000"],
        "network_filters": ["in,tcp,22,0.0.0.0/0,accept"],
        "public_ip": "203.0.113.7",
    }


def test_default_interface_is_left_out_and_others_are_sent() -> None:
    assert "interface_model_type" not in CreateSpec(**CREATE).additional()
    other = CreateSpec(**CREATE | {"interface_model_type": "e1000"})
    assert other.additional()["interface_model_type"] == "e1000"


def test_windows_needs_a_port_for_remote_desktop() -> None:
    windows = CREATE | {"operation_system": "win"}
    with pytest.raises(InvalidField) as caught:
        CreateSpec(**windows)
    assert caught.value.field == "rdp_port"
    assert CreateSpec(**windows, rdp_port=5685).additional()["rdp_port"] == "5685"


def test_pxe_needs_no_disk_and_a_public_ip_no_port() -> None:
    spec = CreateSpec(
        **CREATE
        | {"bios_mode": "pxe", "disk_size": None, "ssh_port": None, "public_ip": "203.0.113.7"}
    )
    assert {"disk_size", "ssh_port"}.isdisjoint(spec.additional())


def test_ports_of_one_machine_differ() -> None:
    with pytest.raises(InvalidField):
        CreateSpec(**CREATE | {"ssh_port": 5904})


def test_ids_of_the_ledger_are_valid_task_ids_and_differ() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(fields.own_task_id(one) for one in ids)


# Modify


def test_public_ip_must_be_said_on_every_modification() -> None:
    with pytest.raises(InvalidField) as caught:
        TaskChange(new_cpu_cores=8)  # type: ignore[call-arg]
    assert caught.value.field == "new_public_ip"


async def test_modification_always_sends_the_public_ip_and_strings(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    await dbc.tasks.modify(target, TASK, TaskChange(new_public_ip=None, new_cpu_cores=8))
    kept = TaskChange(new_public_ip="203.0.113.7", new_custom_port=())
    await dbc.tasks.modify(target, TASK, kept)
    assert [body["additional"] for _, body in daemon.requests] == [
        {"new_public_ip": "", "new_cpu_cores": "8"},
        {"new_public_ip": "203.0.113.7", "new_custom_port": []},
    ]


async def test_modification_of_two_things_is_refused_and_can_be_split(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    wanted = TaskChange(
        new_public_ip="203.0.113.7", new_mem_size=64, new_ssh_port=5586, new_network_filters=()
    )
    with pytest.raises(InvalidField):
        await dbc.tasks.modify(target, TASK, wanted)
    assert daemon.requests == []
    for step in wanted.steps():
        await dbc.tasks.modify(target, TASK, step)
    ip = {"new_public_ip": "203.0.113.7"}
    assert [body["additional"] for _, body in daemon.requests] == [
        ip | {"new_ssh_port": "5586"},
        ip | {"new_network_filters": []},
        ip | {"new_mem_size": "64"},
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"new_public_ip": "nowhere"},
        {"new_ssh_port": 99999},
        {"new_rdp_port": 0},
        {"new_vnc_port": 1},
        {"new_custom_port": [1]},
        {"new_custom_port": ["tcp,99999"]},
        {"new_network_filters": ["in,tcp,22,10.0.0.0/8,accept"]},
        {"new_gpu_count": -1},
        {"new_cpu_cores": 0},
        {"new_mem_size": 0},
    ],
    ids=str,
)
def test_modification_that_dbc_would_misread_cannot_be_made(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidField) as caught:
        TaskChange(**({"new_public_ip": None} | change))
    assert caught.value.field in change


# How some things are sent


async def test_image_paths_are_absolute_where_dbc_needs_them_so(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    running = text('{"errcode":0,"message":{"status":"uploading","progress":"37%"}}')
    daemon.answer = in_turn(ok, running, ok)
    await dbc.images.upload(target, "u.qcow2", "ID_1")
    progress = await dbc.images.upload_progress(target, "u.qcow2")
    await dbc.images.stop_upload(target, "/tmp/dbc_snapshots/snap_1_vda.qcow2")
    await dbc.images.download(target, "u.qcow2", "ID_1")
    names = [body["additional"]["image_filename"] for _, body in daemon.requests]
    assert names == [
        "/data/u.qcow2",
        "/data/u.qcow2",
        "/tmp/dbc_snapshots/snap_1_vda.qcow2",
        "u.qcow2",
    ]
    assert daemon.requests[3][1]["additional"]["local_dir"] == "/data"
    assert (progress.percent, progress.is_running) == (37, True)


async def test_log_lines_are_asked_for_with_their_end(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = text('{"errcode":0,"message":{"task_id":"x","log_content":[]}}')
    await dbc.tasks.logs(target, TASK, "head", 100)
    # The machine's passwords are read first: the log may spell them in any way.
    logs = f"/api/v1/tasks/logs/{TASK}?flag=head&line_num=100"
    assert daemon.paths == [f"/api/v1/tasks/{TASK}", logs]


async def test_soft_restart_sends_no_flag(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    await dbc.tasks.restart(target, TASK)
    assert daemon.paths == [f"/api/v1/tasks/restart/{TASK}"]


async def test_disk_sizes_are_sent_as_numbers(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    await dbc.disks.resize(target, TASK, "vdb", 20)
    await dbc.disks.add(target, TASK, 30)
    assert [body["additional"]["size"] for _, body in daemon.requests] == [20, 30]


async def test_no_request_holds_a_null(daemon: FakeDaemon, dbc: DbcClient, target: Target) -> None:
    daemon.answer = text('{"errcode":0,"message":{"task_id":"x"}}')
    await dbc.tasks.create(target, CreateSpec(**CREATE))
    await dbc.nodes.info(NODE)
    assert "null" not in json.dumps(daemon.requests)
