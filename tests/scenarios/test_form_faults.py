"""Faults of a request before it is sent: all of them in one answer, each with its value."""

from pathlib import Path

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.slack.person import SeenView
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage, staged

IMAGE = "ubuntu-22.04-cuda-12.qcow2"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice may act on two nodes, gpu2 is her default, and the bot has looked at them."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc node use gpu2")
    await one_stage.passes(60)
    return one_stage


async def creates(stage: Stage, *, more: bool = False) -> SeenView:
    """Alice's form for a machine, with all of its fields where she asks for `more`."""
    await stage.alice.types("/dbc vm create", CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    if more:
        await shows_more(stage)
    return form_of(stage)


async def shows_more(stage: Stage) -> None:
    await stage.alice.presses("More options")
    await stage.quiet()


def form_of(stage: Stage) -> SeenView:
    modal = stage.alice.modal
    assert modal is not None, stage.alice.screen()
    return modal


async def uses_ports(stage: Stage, node: str, desc: str, ssh: int) -> None:
    stage.node(node).running_task(demo_renter(), desc=desc, vnc_port=5977, ssh_port=ssh)
    await stage.asks(stage.alice, "/dbc vm list")


# All faults at once


async def test_what_is_missing_hides_no_fault_of_the_others(stage: Stage) -> None:
    await creates(stage, more=True)
    await stage.alice.submits(
        {"Name": "  ", "Image": IMAGE, "More ports": "8080", "GPUs": "99", "Public IP": "1.2.3"}
    )
    assert set(form_of(stage).errors) == {"Name", "GPUs", "More ports", "Public IP"}


async def test_all_faults_of_a_form_stand_at_their_fields(stage: Stage) -> None:
    await creates(stage, more=True)
    await stage.alice.submits(
        {"Name": 'a"b', "Image": IMAGE, "GPUs": "99", "More ports": "8080", "Public IP": "1.2.3"}
    )
    assert set(form_of(stage).errors) == {"Name", "GPUs", "More ports", "Public IP"}
    assert stage.changes() == []


async def test_a_field_that_cannot_be_read_hides_no_name_that_means_several(stage: Stage) -> None:
    for port in (5998, 5999):
        stage.node("gpu1").running_task(demo_renter(), desc=f"twin-{port}", vnc_port=port)
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc disk add twin", CHANNEL)
    await stage.alice.sees_modal("Add a data disk")
    await stage.alice.submits({"Size (GiB)": "0"})
    assert set(form_of(stage).errors) == {"Size (GiB)", "Machine"}


async def test_all_faults_of_a_line_are_said_in_one_answer(stage: Stage) -> None:
    told = await stage.asks(
        stage.alice, f"/dbc vm create name=t1 image={IMAGE} gpu=99 ssh=0 filters=in,tcp,22"
    )
    for fault in ("GPUs must be between", "SSH port must be between", "rules of five parts"):
        assert fault in told.plain
    assert told.plain.count(":no_entry_sign:") == 3


async def test_a_network_has_all_its_faults_at_once(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc lan create my_net 10.0.0.0/33 on gpu1")
    assert told.plain.count(":no_entry_sign:") == 2
    await stage.alice.types("/dbc lan create", CHANNEL)
    await stage.alice.sees_modal("Create a network")
    await stage.alice.submits({"Network name": "my_net", "Address range (CIDR)": "10.0.0.0/33"})
    assert set(form_of(stage).errors) == {"Network name", "Address range (CIDR)"}


async def test_ports_are_understood_as_people_write_them(stage: Stage) -> None:
    await creates(stage, more=True)
    await stage.alice.submits(
        {"Name": "t1", "Image": IMAGE, "More ports": "8080/tcp udp 53 TCP:9000-9001\n22"}
    )
    told = form_of(stage).errors
    assert told == {"More ports": "More ports needs the protocol of 22. Say tcp,22 or udp,22."}
    await stage.alice.submits({"More ports": "8080/tcp udp 53 TCP:9000-9001"})
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert stage.task("t1").custom_ports == ["tcp,8080", "udp,53", "tcp,9000-9001"]


async def test_an_image_needs_no_ending_where_there_is_one_so_called(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc image list gpu2")
    told = await stage.asks(stage.alice, f"/dbc image progress {IMAGE.removesuffix('.qcow2')}")
    assert "must end with" not in told.plain
    assert IMAGE in told.plain


# What the node has, before it is sent


async def test_all_that_a_node_lacks_is_said_at_once_and_nothing_is_sent(stage: Stage) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 5684)
    await creates(stage, more=True)
    await stage.alice.submits(
        {
            "Name": "infer-07", "Image": IMAGE, "GPUs": "12", "Memory (GiB)": "60000",
            "Data disk (GiB)": "900000", "SSH port": "5684",
        }
    )  # fmt: skip
    offer = await stage.alice.sees("gpu2 has 4 GPUs; this asks for 12.")
    for told in (
        "gpu2 already has a machine called infer-07; infer-08 is free.",
        "of memory free; this asks for 60000G.",
        "of disk space in /data free; this asks for 900000G.",
        "SSH port 5684 is used by infer-07",
    ):
        assert told in offer.plain
    assert stage.changes() == []
    await stage.alice.presses("Open the form", offer)
    form = await stage.alice.sees_modal("Create a machine")
    assert form.value("SSH port") == "5684"
    assert form.plain.index("SSH port 5684 is used") > form.plain.index("SSH port\n")
    await stage.alice.submits(
        {
            "Name": "t1",
            "GPUs": "1",
            "Memory (GiB)": "16",
            "Data disk (GiB)": "10",
            "SSH port": "5699",
        }
    )
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_name_is_free_once_its_machine_is_gone_though_nobody_has_listed_since(
    stage: Stage,
) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 5684)
    del stage.node("gpu2").tasks[stage.task("infer-07").task_id]
    await stage.asks(stage.alice, f"/dbc vm create name=infer-07 image={IMAGE}")
    await stage.ends(stage.alice, "infer-07 is running on gpu2")


async def test_a_name_stays_taken_where_the_node_of_its_machine_is_silent(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm name inference t1")
    stage.node("gpu1").silent = True
    await stage.alice.types(f"/dbc vm create name=t1 image={IMAGE}", CHANNEL)
    await stage.passes(50)
    await stage.alice.sees("gpu1 already has a machine called t1; t2 is free.")
    assert stage.changes() == []


async def test_a_used_port_is_said_with_one_that_is_free(stage: Stage) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 5684)
    line = f"/dbc vm create name=t1 image={IMAGE} ssh=5684"
    told = await stage.asks(stage.alice, line)
    assert "SSH port 5684 is used by infer-07; 2" in told.plain
    assert "is free on the machines you can see." in told.plain
    assert stage.changes() == []
    await stage.alice.presses("Change it…", told)
    form = await stage.alice.sees_modal("Create a machine")
    assert (form.value("Name"), form.value("SSH port")) == ("t1", "5684")


async def test_a_port_that_was_freed_since_it_was_read_is_no_fault(stage: Stage) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 5684)
    await stage.asks(stage.alice, "/dbc vm show infer-07")
    stage.task("infer-07").ssh_port = 5685
    await stage.asks(stage.alice, f"/dbc vm create name=t1 image={IMAGE} ssh=5684")
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_machine_with_a_public_ip_of_its_own_shares_no_port(stage: Stage) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 5684)
    line = f"/dbc vm create name=t1 image={IMAGE} ssh=5684 public_ip=203.0.113.99"
    await stage.asks(stage.alice, line)
    await stage.ends(stage.alice, "t1 is running on gpu2")
    told = await stage.asks(stage.alice, f"{line.replace('.99', '.98')} vnc=5977")
    assert "VNC port 5977 is used by infer-07" in told.plain  # it is the node's, as ever


async def test_a_port_of_a_machine_with_a_public_ip_is_free_for_others(stage: Stage) -> None:
    await uses_ports(stage, "gpu2", "infer-07", 22)
    stage.task("infer-07").public_ip = "203.0.113.77"
    await stage.asks(stage.alice, f"/dbc vm create name=t1 image={IMAGE} ssh=22")
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_change_of_a_port_counts_none_of_another_address(stage: Stage) -> None:
    await uses_ports(stage, "gpu1", "infer-07", 5699)
    told = await stage.asks(stage.alice, "/dbc vm modify inference ssh=5699")
    assert "SSH port 5699 is used by infer-07." in told.plain
    stage.task("infer-07").public_ip = "203.0.113.77"
    await stage.asks(stage.alice, "/dbc vm modify inference ssh=5699")
    assert stage.changes() == ["tasks.modify"]
    assert stage.task("inference").ssh_port == 5699


async def test_a_machine_that_gets_its_own_address_may_take_any_port(stage: Stage) -> None:
    await uses_ports(stage, "gpu1", "infer-07", 5684)
    line = "/dbc vm modify inference ssh=5684 public_ip=203.0.113.99"
    await stage.asks(stage.alice, line)
    assert stage.task("inference").ssh_port == 5684


async def test_a_port_of_a_machine_that_nobody_sees_is_refused_by_the_node(stage: Stage) -> None:
    stage.node("gpu2").running_task(demo_renter(), desc="unseen", vnc_port=5977, ssh_port=5684)
    told = await stage.asks(stage.alice, f"/dbc vm create name=t1 image={IMAGE} ssh=5684")
    assert "This port is used by another machine" in told.plain
    assert stage.changes() == ["tasks.create"]


async def test_what_a_node_does_not_tell_is_said_and_it_is_created(stage: Stage) -> None:
    stage.world.faults.on("sparse", path="/mining_nodes")
    await stage.asks(stage.alice, f"/dbc vm create name=t1 image={IMAGE}")
    told = await stage.alice.sees("t1.* is being created on")
    assert "not checked before" in told.plain
    stage.world.faults.off()
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_change_beyond_the_node_is_said_whole(stage: Stage) -> None:
    await uses_ports(stage, "gpu1", "infer-07", 5684)
    told = await stage.asks(stage.alice, "/dbc vm modify inference mem=60000 cpu=900 vnc=5977")
    assert "of memory; this asks for 60000G." in told.plain
    assert "cores; this asks for 900." in told.plain
    assert "VNC port 5977 is used by infer-07." in told.plain
    assert stage.changes() == []


async def test_a_disk_that_its_directory_has_no_room_for_is_not_sent(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm list")
    off(stage)
    told = await stage.asks(stage.alice, "/dbc disk add inference 900000")
    assert "of disk space in /data free; this asks for 900000G." in told.plain
    told = await stage.asks(stage.alice, "/dbc disk resize inference vdb +900000")
    assert "of disk space in /data free; this asks for 900000G." in told.plain
    assert stage.changes() == []


# What stands in a form when it opens


async def test_the_default_node_is_chosen_and_shown_by_its_name(stage: Stage) -> None:
    form = await creates(stage)
    node = stage.node("gpu2").node_id
    assert form.value("Node") == node
    [chosen] = [b["element"] for b in form.blocks if b.get("block_id") == "node"]
    assert chosen["initial_option"]["text"]["text"] == "gpu2"


async def test_a_reopened_form_shows_names_and_no_ids(stage: Stage) -> None:
    await creates(stage)
    await stage.alice.submits({"Name": "t1", "Image": IMAGE, "GPUs": "12"})
    offer = await stage.alice.sees("this asks for 12")
    await stage.alice.presses("Open the form", offer)
    form = await stage.alice.sees_modal("Create a machine")
    [chosen] = [b["element"] for b in form.blocks if b.get("block_id") == "node"]
    assert chosen["initial_option"]["text"]["text"] == "gpu2"


async def test_a_machine_chosen_by_a_button_is_shown_by_its_name(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("inference").task_id
    await stage.alice.types(f"/dbc vm modify {task}", CHANNEL)
    await stage.quiet()
    [chosen] = [b["element"] for b in form_of(stage).blocks if b.get("block_id") == "vm"]
    assert chosen["initial_option"]["text"]["text"] == "inference"
    assert task not in form_of(stage).plain


async def test_examples_are_what_there_is_on_this_node(stage: Stage) -> None:
    form = await creates(stage)
    assert "ubuntu.qcow2" not in form.plain
    assert "For example ubuntu-20.04.qcow2" in str(form.blocks)


async def test_examples_are_left_out_where_nothing_is_known(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        form = await creates(stage)
        assert "ubuntu.qcow2" not in str(form.blocks)


# More options


async def test_what_is_seldom_used_is_shown_on_demand_and_nothing_typed_is_lost(
    stage: Stage,
) -> None:
    form = await creates(stage)
    assert "SSH port" not in form.labels
    assert "Multicast" not in form.labels
    await stage.alice.fills({"Name": "typed", "GPUs": "2"})
    await shows_more(stage)
    form = form_of(stage)
    assert {"SSH port", "Multicast", "Boot mode (BIOS)"} <= set(form.labels)
    assert (form.value("Name"), form.value("GPUs")) == ("typed", "2")
    assert "More options" not in form.buttons
    await stage.alice.fills({"Node": stage.node("gpu1").node_id, "SSH port": "5699"})
    await stage.quiet()
    assert form_of(stage).value("SSH port") == "5699"
    await stage.alice.submits({"Image": IMAGE, "GPUs": "0"})
    await stage.ends(stage.alice, "typed is running on gpu1")
    assert stage.task("typed").ssh_port == 5699


async def test_what_was_typed_of_the_seldom_used_is_shown_at_once(stage: Stage) -> None:
    await stage.alice.types("/dbc vm create ssh=5699", CHANNEL)
    form = await stage.alice.sees_modal("Create a machine")
    assert form.value("SSH port") == "5699"
    assert "Multicast" not in form.labels


async def test_a_secret_that_is_malformed_hides_no_other_fault(stage: Stage) -> None:
    alice = stage.alice
    await alice.types("/dbc session add gpu1", CHANNEL)
    await alice.sees_modal("Add a session")
    await alice.submits({"Session id": "two words", "Session signature": "nope"})
    assert set(form_of(stage).errors) == {"Session id", "Session signature"}
    await alice.closes()
    await alice.types("/dbc session request gpu1", CHANNEL)
    await alice.sees_modal("Request a session")
    await alice.submits({"Wallet": "5abc", "Nonce": "two words"})
    told = form_of(stage).errors
    assert set(told) == {"Wallet", "Nonce", "Signature"}
    assert "is needed" in told["Signature"]
