"""What a creation or change may have, and in which order it is refused."""

from typing import Any

import pytest

from sandbox.dbc import ManualClock, Node, Wallet
from tests.sandbox.dbc.conftest import CREATE, Caller, seconds


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"task_id": "short"}, "wrong task id length"),
        ({"task_id": "7" * 19 + "-ab"}, "task id requires a combination of letters or numbers"),
        ({"gpu_count": "5"}, "gpu_count exceeds number of leases"),
        ({"image_name": "ubuntu.iso"}, "'image_name' extension name is invalid"),
        ({"ssh_port": "22a"}, "ssh_port is not digit"),
        ({"operation_system": "windows"}, "rdp_port is empty"),
        ({"vnc_port": "65536"}, "vnc_port is invalid (usage: [5900, 65535])"),
        ({"cpu_cores": 8}, "cpu_cores is invalid"),
        ({"interface_model_type": "virtio"}, "invalid interface model type"),
        ({"multicast": ["230.0.0.1"]}, "multicast format: ip:port"),
        ({"multicast": ["230.0.0.1:0"]}, "invalid multicast port"),
        (
            {"gpu_count": "9", "image_name": "", "vnc_port": ""},
            "gpu_count exceeds number of leases",
        ),
    ],
)
async def test_bad_creation_is_refused(
    caller: Caller, node: Node, changes: dict[str, Any], text: str
) -> None:
    outcome = await caller.send("/tasks/start", node, CREATE | changes)
    assert (outcome.status, outcome.code, outcome.message) == (200, 1, text)
    assert node.tasks == {}


async def test_own_task_id_makes_creation_repeatable(caller: Caller, node: Node) -> None:
    wanted = "7a9QmX2c4TfJ6bKpR8sVwD"
    assert await caller.create(node, task_id=wanted) == wanted
    again = await caller.send("/tasks/start", node, CREATE | {"task_id": wanted})
    assert again.text == "task id already existed"
    assert len(node.tasks) == 1


async def test_quoted_system_names_are_rewritten_anywhere(caller: Caller, node: Node) -> None:
    task_id = await caller.create(node, desc="ubuntu")
    assert (await caller.ask(f"/tasks/{task_id}", node)).message["desc"] == "linux"


async def test_windows_machine_has_a_remote_desktop_port_instead(
    caller: Caller, node: Node
) -> None:
    task_id = await caller.create(node, operation_system="win", rdp_port="3400")
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert (detail["os"], detail["rdp_port"], detail["user_name"]) == (
        "windows",
        "3400",
        "Administrator",
    )
    assert "ssh_port" not in detail


async def test_pxe_machine_still_needs_an_image_and_has_no_disks(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    refused = await caller.send(
        "/tasks/start", node, CREATE | {"bios_mode": "pxe", "image_name": ""}
    )
    assert refused.text == "image_name is empty"
    task_id = await caller.create(node, bios_mode="PXE")
    clock.advance(seconds(1))
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert detail["status"] == "running"
    assert "disks" not in detail
    assert (await caller.ask(f"/disk/list/{task_id}", node)).text == "pxe not support disk"


async def test_machine_that_is_off_frees_gpus_memory_and_ports(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    first = await caller.create(node, gpu_count="4", mem_size="300")
    clock.advance(seconds(8))
    refused = await caller.send("/tasks/start", node, CREATE | {"gpu_count": "1"})
    assert refused.text == "allocate gpu failed"
    refused = await caller.send("/tasks/start", node, CREATE | {"gpu_count": "0"})
    assert refused.text == "port conflict, exist ssh_port = 5684"
    await caller.ask(f"/tasks/shutdown/{first}", node)
    clock.advance(seconds(1))
    second = await caller.create(node, gpu_count="4", mem_size="300")
    clock.advance(seconds(8))
    assert await caller.status(node, second) == "running"
    assert (await caller.ask(f"/tasks/start/{first}", node)).text == "check gpu failed"


async def test_rental_of_single_gpus_needs_its_order_everywhere(
    caller: Caller, node: Node, renter: Wallet
) -> None:
    node.chain.orders.clear()
    node.rent(renter, gpus=[1, 3], order="1287")
    without = await caller.send("/tasks/start", node, dict(CREATE))
    assert without.text == "check authority failed: machine has already expired"
    wrong = await caller.send("/tasks/start", node, CREATE | {"gpu_count": "1"}, rent_order="1287")
    assert wrong.text == "only use the number what you exactly rented"
    cpu = await caller.send("/tasks/start", node, CREATE | {"cpu_cores": "55"}, rent_order="1287")
    assert cpu.text == "allocate cpu failed"
    made = await caller.send("/tasks/start", node, dict(CREATE), rent_order="1287")
    task_id = made.message["task_id"]
    assert node.tasks[task_id].gpus == [1, 3]
    detail = await caller.send(f"/tasks/{task_id}", node, {}, rent_order="1287")
    assert detail.message["rent_order"] == "1287"
    node.define(node.tasks[task_id])
    changed = await caller.send(
        f"/tasks/modify/{task_id}", node, {"new_cpu_cores": "2"}, rent_order="1287"
    )
    assert changed.text == "can not modify cpu cores"


async def test_modification_that_fails_leaves_the_earlier_fields_changed(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    outcome = await caller.ask(
        f"/tasks/modify/{task_id}", node, new_ssh_port="6000", new_vnc_port="1"
    )
    assert outcome.text == "new_vnc_port 1 is invalid! (usage: 5900 =< port <= 65535)"
    assert node.tasks[task_id].ssh_port == 6000


async def test_modification_without_an_address_takes_the_address_away(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    task_id = await caller.create(node, public_ip="203.0.113.99", ssh_port="")
    clock.advance(seconds(8))
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert (detail["ssh_ip"], detail["ssh_port"]) == ("203.0.113.99", "22")
    outcome = await caller.ask(f"/tasks/modify/{task_id}", node, new_vnc_port="6100")
    assert outcome.message == "some changes will take effect on the next boot"
    assert node.tasks[task_id].public_ip == ""


async def test_disks_change_only_while_the_machine_is_off(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    refused = await caller.ask(f"/disk/resize/{task_id}", node, disk="vdb", size=10)
    assert refused.text == "please close task first and try again"
    await caller.ask(f"/tasks/shutdown/{task_id}", node)
    clock.advance(seconds(1))
    await caller.ask(f"/disk/resize/{task_id}", node, disk="vdb", size=1436)
    await caller.ask(f"/disk/add/{task_id}", node, size=20)
    clock.advance(seconds(3))
    listed = (await caller.ask(f"/disk/list/{task_id}", node)).message
    assert [(disk["name"], disk["size"]) for disk in listed] == [
        ("vda", "350G"),
        ("vdb", "1T"),
        ("vdc", "20G"),
    ]
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert detail["disks"][1]["size"] == "1536G"
