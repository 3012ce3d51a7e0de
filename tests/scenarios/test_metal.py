"""Bare metal: power and boot by the renter, administration by the manager's own key."""

import json

import pytest

from sandbox.dbc.demo import demo_renter
from tests.scenarios.metal import PASSWORD, knows_rack, rack, rents_slot, signed, slot, slot_three
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_sessions import stored


async def test_machines_are_listed_with_details_from_their_manager(stage: Stage) -> None:
    alice = stage.alice
    await alice.types("/dbc metal list", channel=CHANNEL)
    await alice.sees(f"`{slot(stage).node_id[:8]}`", CHANNEL)
    await knows_rack(stage)
    shown = await alice.sees("rack 7, slot 1", CHANNEL)
    assert "Ubuntu 22.04 · uuid `3156995b" in shown.text
    await alice.types(f"/dbc node name {rack(stage).node_id} rack7", channel=CHANNEL)
    await alice.sees("is now called", CHANNEL)
    await alice.types("/dbc metal list rack7", channel=CHANNEL)
    await alice.sees(r"\*rack7\* manages 2 machines", CHANNEL)


async def test_the_beginning_of_machines_names_is_no_manager(one_stage: Stage) -> None:
    alice = one_stage.alice
    await knows_rack(one_stage)
    for number in (1, 2):
        node = slot(one_stage, number).node_id
        await one_stage.asks(alice, f"/dbc node name {node} rack7-{number}")
    told = await one_stage.asks(alice, "/dbc metal list rack7")
    assert (
        "There is no bare-metal manager called “rack7”. It could be rack7-1 (a bare-metal machine) "
        "or rack7-2 (a bare-metal machine)." in told.plain
    )
    assert "A manager is named by its node id" in told.plain
    told = await one_stage.asks(alice, "/dbc metal list rack7-1")
    assert "“rack7-1” is a bare-metal machine, not a bare-metal manager." in told.plain
    await one_stage.gives_session(alice, "gpu1")
    told = await one_stage.asks(alice, "/dbc restart rack7-1")
    assert "“rack7-1” is a bare-metal machine, not a virtual machine." in told.plain
    assert "Did you mean `/dbc metal power reset rack7-1`?" in told.plain
    assert told.buttons == ["Switch the power"]


async def test_a_renter_switches_a_machine(stage: Stage) -> None:
    alice = stage.alice
    machine = await rents_slot(stage)
    await alice.types('/dbc metal power status "rack 7, slot 1"', channel=CHANNEL)
    await alice.sees("power status. Its tool says: `Chassis Power is on`", CHANNEL)
    assert stage.changes() == []

    await alice.types(f"/dbc metal power {machine.node_id[:8]} off", channel=CHANNEL)
    await alice.sees("It stops at once, without a shutdown", CHANNEL)
    assert stage.changes() == []
    await stage.confirms(alice, "Cut the power of")
    await alice.sees("Chassis Power Control: Down/Off", CHANNEL)
    assert not machine.powered

    await alice.types(f"/dbc metal power on {machine.node_id[:8]}", channel=CHANNEL)
    await alice.sees("Chassis Power Control: Up/On", CHANNEL)
    assert machine.powered
    assert stage.changes() == ["metal.power", "metal.power"]


async def test_a_boot_device_is_sent_and_its_result_not_claimed(stage: Stage) -> None:
    machine = await rents_slot(stage)
    await stage.alice.types(f"/dbc metal boot pxe {machine.node_id[:8]}", channel=CHANNEL)
    told = await stage.alice.sees("the result is not known", CHANNEL)
    assert "DBC never reports the result" in told.plain
    assert machine.boot_device == "pxe"


async def test_without_a_session_nothing_is_switched(one_stage: Stage) -> None:
    await knows_rack(one_stage)
    line = '/dbc metal power on "rack 7, slot 1"'
    await one_stage.alice.types(line, channel=CHANNEL)
    await one_stage.alice.sees("You have no session for rack 7, slot 1", CHANNEL)
    assert one_stage.changes() == []


async def test_a_metal_session_is_no_node_of_machines(one_stage: Stage) -> None:
    await rents_slot(one_stage)
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.alice.types("/dbc vm list", channel=CHANNEL)
    listed = await one_stage.alice.sees("inference", CHANNEL)
    assert "rack 7" not in listed.plain
    await one_stage.alice.types("/dbc vm list on gpu1", channel=CHANNEL)
    await one_stage.alice.types('/dbc vm list on "rack 7, slot 1"', channel=CHANNEL)
    await one_stage.alice.sees("is a bare-metal machine, not a node", CHANNEL)
    await one_stage.passes(61)


async def test_a_metal_session_is_no_place_of_images(one_stage: Stage) -> None:
    await rents_slot(one_stage)
    await one_stage.gives_session(one_stage.alice, "gpu1")
    listed = await one_stage.asks(one_stage.alice, "/dbc image list")
    assert "gpu1" in listed.plain
    assert slot(one_stage).node_id[:8] not in listed.plain
    assert "cannot do that" not in listed.plain


async def opens_add(stage: Stage) -> None:
    await stage.alice.types(f"/dbc metal add {rack(stage).node_id}", channel=CHANNEL)
    await stage.alice.sees_modal("Add bare metal")


async def test_a_manager_takes_on_a_machine_and_forgets_it(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = stage.alice
    await knows_rack(stage)
    await opens_add(stage)
    given = signed(stage)
    await alice.submits(slot_three(**given))
    await alice.sees(r"has taken on \*rack 7, slot 3\*", CHANNEL)
    added = rack(stage).with_uuid("3156995b-0003")
    assert added is not None
    assert added.ipmi_password == PASSWORD

    await alice.types('/dbc metal remove "rack 7, slot 3"', channel=CHANNEL)
    await alice.sees_modal("Remove bare metal")
    await alice.submits(signed(stage))
    await stage.confirms(alice, "Let its manager forget")
    await alice.sees(r"has forgotten \*rack 7, slot 3\*", CHANNEL)
    assert rack(stage).with_uuid("3156995b-0003") is None
    assert stage.changes() == ["metal.add", "metal.delete"]

    told = json.dumps([(c.method, c.args) for c in stage.ws.calls])
    seen = capsys.readouterr()
    for secret in (PASSWORD, given["Signature"], rack(stage).key.private_key[:32].hex()):
        assert secret not in told + seen.out + seen.err
        assert secret.encode() not in stored(stage)


async def test_a_machines_data_is_changed(one_stage: Stage) -> None:
    await knows_rack(one_stage)
    await one_stage.alice.types('/dbc metal modify "rack 7, slot 1"', channel=CHANNEL)
    await one_stage.alice.sees_modal("Change bare metal")
    machine = slot(one_stage)
    await one_stage.alice.submits(
        {"Description": "slot one", "IPMI port": "624", **signed(one_stage)}
    )
    await one_stage.alice.sees("has changed", CHANNEL)
    assert (machine.desc, machine.ipmi_port) == ("slot one", 624)


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        ({"Signature": "ab" * 64}, "Signature", "another key has signed"),
        ({"Signature": "short"}, "Signature", "128 hexadecimal digits"),
        ({"UUID": "no spaces"}, "UUID", "letters, digits and dashes"),
        ({"IP address": "somewhere"}, "IP address", "IPv4"),
        ({"Description": 'say "hi"'}, "Description", "double quotes"),
    ],
)
async def test_a_wrong_form_is_faulted_at_its_field_and_not_sent(
    one_stage: Stage, values: dict[str, str], field: str, fault: str
) -> None:
    await knows_rack(one_stage)
    await opens_add(one_stage)
    await one_stage.alice.submits(slot_three(**{**signed(one_stage), **values}))
    modal = one_stage.alice.modal
    assert modal is not None
    assert list(modal.errors) == [field]
    assert fault in modal.errors[field]
    assert one_stage.changes() == []


async def test_all_that_is_wrong_with_a_machine_is_told_at_once(stage: Stage) -> None:
    await knows_rack(stage)
    await opens_add(stage)
    wrong = {"UUID": "机器", "IP address": "1.2.3", "Nonce": "two words", "Signature": "nope"}
    await stage.alice.submits({**slot_three(**signed(stage)), **wrong})
    modal = stage.alice.modal
    assert modal is not None
    assert set(modal.errors) == set(wrong)


async def test_a_renters_wallet_does_not_count_and_a_nonce_counts_once(one_stage: Stage) -> None:
    await knows_rack(one_stage)
    await opens_add(one_stage)
    await one_stage.alice.submits(slot_three(**signed(one_stage, demo_renter())))
    modal = one_stage.alice.modal
    assert modal is not None
    assert "another key has signed" in modal.errors["Signature"]

    given = signed(one_stage)
    await one_stage.alice.submits(given)
    await one_stage.alice.sees("has taken on", CHANNEL)
    await opens_add(one_stage)
    await one_stage.alice.submits(slot_three(UUID="another", **given))
    modal = one_stage.alice.modal
    assert modal is not None
    assert "This nonce was used before" in modal.errors["Nonce"]
