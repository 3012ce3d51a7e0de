"""Bare metal where the recordings do not reach."""

import pytest

from sandbox.dbc import Wallet, World
from sandbox.dbc.metal import MetalMachine, MetalManager
from tests.sandbox.dbc.conftest import Caller


@pytest.fixture
def manager(world: World) -> MetalManager:
    return world.add_metal_manager("rack7")


@pytest.fixture
def machine(manager: MetalManager, renter: Wallet) -> MetalMachine:
    machine = manager.add_machine(
        "3156995b-da18",
        ip="198.51.100.4",
        ipmi_hostname="192.0.2.110",
        ipmi_username="admin",
        ipmi_password="secret",
        deeplink_id="123456789",
        deeplink_password="aAbBcC",
    )
    machine.rent(renter)
    return machine


async def test_secrets_are_stars_unless_the_manager_itself_asks(
    caller: Caller, manager: MetalManager, machine: MetalMachine
) -> None:
    (row,) = (await caller.ask("/bare_metal", manager.node_id)).message["bare_metal_nodes"]
    assert (row["ipmi_username"], row["ipmi_password"]) == ("*****", "******")
    assert set(row["node_private_key"]) == {"*"}
    own = await caller.send("/bare_metal", manager.node_id, {}, **manager.proof())
    (row,) = own.message["bare_metal_nodes"]
    assert (row["ipmi_password"], row["deeplink_device_password"]) == ("secret", "aAbBcC")
    assert machine.key.private_key.hex().startswith(row["node_private_key"])


async def test_boot_device_is_set_although_the_answer_says_failure(
    caller: Caller, machine: MetalMachine
) -> None:
    outcome = await caller.ask("/bare_metal/bootdev", machine, device="pxe")
    assert (outcome.code, outcome.text) == (-3, "bare metal client not existed")
    assert machine.boot_device == "pxe"


async def test_switching_clears_the_remote_desktop_password(
    caller: Caller, world: World, machine: MetalMachine
) -> None:
    shown = await caller.ask("/deeplink", machine)
    assert shown.message == {"device_id": "123456789", "device_password": "aAbBcC"}
    await caller.ask("/bare_metal/power", machine, command="status")
    outcome = await caller.ask("/bare_metal/power", machine, command="off")
    assert outcome.message == "Chassis Power Control: Down/Off"
    assert (machine.powered, machine.deeplink_password) == (False, "")
    assert [call.additional["command"] for call in world.changing_calls("metal.power")] == ["off"]


async def test_tool_failure_is_the_message(caller: Caller, machine: MetalMachine) -> None:
    machine.ipmi_error = "Error: Unable to establish IPMI v2 / RMCP+ session <line> "
    outcome = await caller.ask("/bare_metal/power", machine, command="on")
    assert (outcome.code, outcome.text) == (-3, machine.ipmi_error)


async def test_modification_succeeds_with_an_empty_message(
    caller: Caller, manager: MetalManager, machine: MetalMachine
) -> None:
    path = f"/bare_metal/modify/{machine.node_id}"
    outcome = await caller.send(
        path, manager.node_id, {"os": "Debian 12", "ip": ""}, **manager.proof()
    )
    assert (outcome.code, outcome.message) == (0, "")
    assert (machine.os, machine.ip) == ("Debian 12", "198.51.100.4")
    other = manager.add_machine("other")
    taken = await caller.send(path, manager.node_id, {"uuid": other.uuid}, **manager.proof())
    assert (taken.code, taken.text) == (-1, "bare metal node uuid other already existed")


async def test_port_must_be_an_integer(caller: Caller, manager: MetalManager) -> None:
    row = {
        "uuid": "u-1",
        "ip": "198.51.100.9",
        "ipmi_hostname": "h",
        "ipmi_username": "u",
        "ipmi_password": "p",
    }
    wrong = {"bare_metal_nodes": [row | {"ipmi_port": 70000}]}
    refused = await caller.send("/bare_metal/add", manager.node_id, wrong, **manager.proof())
    assert refused.text == "invalid ipmi port in u-1"
    ignored = {"bare_metal_nodes": [row | {"ipmi_port": "623"}]}
    made = await caller.send("/bare_metal/add", manager.node_id, ignored, **manager.proof())
    assert made.code == 0
    (machine,) = manager.machines.values()
    assert machine.ipmi_port is None


async def test_manager_has_no_hardware_to_show(caller: Caller, manager: MetalManager) -> None:
    outcome = await caller.ask("/mining_nodes", manager.node_id)
    assert outcome.text == "bare metal node has no machine info for now"
