"""What DBC answers is read in all its variants, and strange answers never break anything."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from bot.dbc.answer import decode
from bot.dbc.client import DbcClient
from bot.dbc.errors import DbcError, Mode, NotAuthorised
from bot.dbc.foreign import Raw
from bot.dbc.identity import Target
from bot.dbc.models import (
    Images,
    Phase,
    Progress,
    TaskDetail,
    TaskSummary,
    phase_of,
    power_in,
)
from bot.dbc.reasons import Reason
from bot.dbc.sizes import Size
from tests.dbc.conftest import NODE, TASK, FakeDaemon, reply

GIB = 1024**3


@pytest.mark.parametrize(
    ("told", "in_bytes"),
    [
        ("350G", 350 * GIB),
        ("1.5G", int(1.5 * GIB)),
        ("9.31G", int(9.31 * GIB)),
        ("1T", 1024 * GIB),
        ("2P", 2 * 1024**2 * GIB),
        ("192K", 192 * 1024),
        ("0K", 0),
        ("156.71GB", int(156.71 * GIB)),
        ("4 gib", 4 * GIB),
        ("512B", 512),
        ("512", 512),
        (512, 512),
        ("", None),
        (None, None),
        ("a lot", None),
        ("-1G", None),
        ("1e9G", None),
    ],
)
def test_sizes_are_read(told: object, in_bytes: int | None) -> None:
    assert Size.parse(told).in_bytes == in_bytes


def test_size_keeps_what_dbc_said() -> None:
    assert str(Size.parse("471.38G")) == "471.38G"
    assert Size.parse("64G").gib == 64
    assert Size.parse("?").gib is None


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none()))
def test_anything_is_a_size_or_the_text_it_was(told: object) -> None:
    size = Size.parse(told)
    assert str(size) == ("" if told is None else str(told).strip())
    assert size.in_bytes is None or size.in_bytes >= 0


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("running", Phase.ON),
        ("closed", Phase.OFF),
        ("pmsuspend", Phase.ASLEEP),
        ("creating", Phase.BUSY),
        ("being shutdown", Phase.BUSY),
        ("being poweroff", Phase.BUSY),
        ("stopping", Phase.BUSY),
        ("create error", Phase.FAILED),
        ("reset error", Phase.FAILED),
        ("error", Phase.FAILED),
        ("none", Phase.UNKNOWN),
        ("creating snapshot", Phase.UNKNOWN),
        ("", Phase.UNKNOWN),
        ("whatever comes next", Phase.UNKNOWN),
    ],
)
def test_statuses_amount_to_a_phase(status: str, phase: Phase) -> None:
    assert phase_of(status) is phase


def test_numbers_may_be_strings_and_strings_numbers() -> None:
    texts = TaskDetail.model_validate(
        {"task_id": 7, "ssh_port": "5684", "vnc_port": 5904, "cpu_cores": "8", "rent_order": 1287}
    )
    assert (texts.task_id, texts.ssh_port, texts.vnc_port) == ("7", 5684, 5904)
    assert (texts.cpu_cores, texts.rent_order) == (8, "1287")


def test_missing_null_and_odd_fields_are_no_failure() -> None:
    detail = TaskDetail.model_validate(
        {"task_id": "a", "disks": None, "local_address": None, "ssh_port": "", "new_field": {}}
    )
    assert (detail.disks, detail.local_address, detail.ssh_port) == ((), (), None)
    assert detail.login_password.get_secret_value() == ""


def test_windows_detail_has_its_own_port() -> None:
    detail = TaskDetail.model_validate({"task_id": "a", "os": "windows", "rdp_port": "5685"})
    assert (detail.ssh_port, detail.rdp_port) == (None, 5685)


@pytest.mark.parametrize(
    "told",
    [
        [{"image_name": "u.qcow2", "image_size": "9.31G"}],
        [{"image_name:": "u.qcow2", "image_size": "9.31G"}],
        ["u.qcow2"],
    ],
)
def test_images_are_read_in_all_three_spellings(told: object) -> None:
    (image,) = TypeAdapter[Any](Images).validate_python(told)
    assert image.name == "u.qcow2"


@pytest.mark.parametrize(
    ("told", "percent", "is_running"),
    [
        ({"status": "downloading", "progress": "37%"}, 37, True),
        ({"status": "uploading", "progress": 5}, 5, True),
        ({"status": "done", "progress": "100%"}, 100, False),
        ({"status": "odd", "progress": "?"}, None, True),
    ],
)
def test_progress_is_read(told: object, percent: int | None, *, is_running: bool) -> None:
    progress = Progress.model_validate(told)
    assert (progress.percent, progress.is_running) == (percent, is_running)


@pytest.mark.parametrize(
    ("told", "is_on"),
    [
        ("Chassis Power is on", True),
        ("Power is OFF", False),
        ("Chassis Power Control: Up/On", None),
        ("ok", None),
    ],
)
def test_power_texts_are_read(told: str, is_on: bool | None) -> None:
    assert power_in(told) is is_on


LAN = {
    "network_name": "lan001",
    "ip_cidr": "192.168.66.0/24",
    "vxlan_vni": "12",
    "members": [TASK],
    "lastUseTime": "1700000000",
    "native_flags": "1",
}


async def test_networks_are_read_as_array_object_and_single(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    for message in ([LAN], {"networks": [LAN]}):
        daemon.answer = reply(0, message)
        (lan,) = await dbc.lans.list(NODE)
        assert (lan.network_name, lan.members) == ("lan001", (TASK,))
    daemon.answer = reply(0, LAN)
    assert (await dbc.lans.get("lan001")).last_use_time == "1700000000"
    assert daemon.paths[-1] == "/api/v1/lan/lan001"


async def test_node_info_is_read(daemon: FakeDaemon, dbc: DbcClient) -> None:
    daemon.answer = reply(
        0,
        {
            "version": "0.4.1.8",
            "node_type": "1",
            "cpu": {"cores": "108", "physical_cpus": "2"},
            "gpu": {"gpu_count": "8", "gpu_used": "2"},
            "mem": {"size": "471.38G", "free": "455.02G"},
            "disk_system": {"type": "SSD", "size": "350G"},
            "disk_data": [{"path": "/data", "size": "7153.41G", "free": "5938.2G"}],
            "images": [{"image_name": "ubuntu.qcow2", "image_size": "9.31G"}],
        },
    )
    info = await dbc.nodes.info(NODE, "ID_1")
    assert info.gpu is not None
    assert info.mem is not None
    assert (info.gpu.gpu_count, info.gpu.gpu_used) == (8, 2)
    assert info.mem.free.text == "455.02G"
    assert info.disk_data[0].free.gib == pytest.approx(5938.2)
    assert daemon.requests[0][1]["additional"] == {"image_server": "ID_1"}


async def test_bare_metal_is_read_by_manager_and_by_renter(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reply(
        0, {"bare_metal_nodes": [{"node_id": NODE, "ipmi_port": 623, "node_private_key": "****"}]}
    )
    (found,) = await dbc.metal.find(NODE, NODE)
    assert found.ipmi_port == 623
    assert "private" not in repr(found)
    daemon.answer = reply(0, {"version": "0.4.1.8", "os": "Ubuntu", "power_status": "Power is off"})
    assert (await dbc.metal.get(target)).is_on is False


@given(st.binary(), st.sampled_from([200, 400, 500]))
def test_any_bytes_become_a_value_or_an_error(body: bytes, status: int) -> None:
    tasks = TypeAdapter(tuple[TaskSummary, ...])
    found = decode(Raw(status, body), Mode.CHANGE, tasks.validate_python, str)
    assert isinstance(found, DbcError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_message_becomes_a_value_or_an_error(message: object) -> None:
    body = json.dumps({"errcode": 0, "message": message}).encode()
    for model in (TaskDetail, tuple[TaskSummary, ...], Images, Progress):
        adapter = TypeAdapter[Any](model)
        found = decode(Raw(200, body), Mode.READ, adapter.validate_python, str)
        assert found is not None


@given(st.integers(), st.text(), st.sampled_from([200, 400, 404, 500, 503]))
def test_any_refusal_becomes_an_error_with_a_sentence(code: int, said: str, status: int) -> None:
    body = json.dumps({"errcode": code or 1, "message": said}).encode()
    found = decode(Raw(status, body), Mode.CHANGE, str, str)
    assert isinstance(found, DbcError)
    assert found.sentence
    assert len(found.dbc_text) <= 300


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = {NotAuthorised(reason).sentence for reason in Reason}
    assert len(sentences) == len(Reason)
