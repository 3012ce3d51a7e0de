"""Creating a machine: by form and typed, what is sent, what is refused and where it is said."""

import pytest

from tests.scenarios.stage import CHANNEL, Stage

IMAGE = "ubuntu-22.04-cuda-12.qcow2"
CREATE = f"/dbc vm create name=t1 image={IMAGE} on gpu2"


async def opens_form(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.alice.types("/dbc vm create", CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.fills(
        {"Name": "t1", "Image": IMAGE, "Node": stage.node("gpu2").node_id, "GPUs": "1"}
    )


async def test_the_form_offers_what_there_is(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.passes(60)
    alice = stage.alice
    await alice.types("/dbc vm create", CHANNEL)
    form = await alice.sees_modal("Create a machine")
    assert form.labels.index("Node") < form.labels.index("Image")
    images = await alice.suggests("Image", "")
    assert images[0].startswith("ubuntu-20.04.qcow2 · gpu1, gpu2")
    assert images[1].startswith(f"{IMAGE} · gpu1, gpu2")
    assert (await alice.suggests("Image", "22.04"))[0].startswith(f"{IMAGE} · gpu1, gpu2")
    nodes = await alice.suggests("Node", "gpu")
    assert [n.split(" ")[0] for n in nodes] == ["gpu1", "gpu2", "gpu3"]
    assert [n.endswith(" · no session") for n in nodes] == [False, False, True]


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("Name", 'a"b', "Name must not contain double quotes"),
        ("Name", "a\\b", "Name must not contain double quotes, backslashes"),
        ("Network filters", "in,tcp,22", "Network filters has rules of five parts"),
        ("Network filters", "in,ftp,22,0.0.0.0/0,accept", "Network filters"),
        ("SSH port", "0", "SSH port must be between 1 and 65535, not 0"),
        ("SSH port", "70000", "SSH port must be between 1 and 65535, not 70000"),
        ("VNC port", "80", "VNC port must be between 5900 and 65535, not 80"),
        ("GPUs", "-1", "GPUs must be between 0 and 64"),
        ("Memory (GiB)", "0", "Memory (GiB) must be between 1 and 65536, not 0"),
        ("More ports", "8080", "More ports"),
        ("Public IP", "1.2.3", "Public IP"),
        ("Multicast", "10.0.0.1:1", "Multicast"),
        ("Private network (LAN)", "a b", "Private network"),
        ("Existing data file", "../x", "Existing data file"),
    ],
)
async def test_a_fault_stands_at_its_field(
    one_stage: Stage, field: str, value: str, fault: str
) -> None:
    await opens_form(one_stage)
    await one_stage.alice.presses("More options")
    await one_stage.quiet()
    await one_stage.alice.submits({field: value})
    modal = one_stage.alice.modal
    assert modal is not None
    assert list(modal.errors) == [field]
    assert modal.errors[field].startswith(fault)
    assert "_" not in modal.errors[field]
    assert one_stage.changes() == []


async def test_a_form_is_corrected_and_sent(stage: Stage) -> None:
    await opens_form(stage)
    await stage.alice.submits({"Name": 'a"b'})
    await stage.alice.submits({"Name": "t1"})
    await stage.alice.sees(r"\*t1\* is being created on \*gpu2\*")
    assert stage.alice.modal is None
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert stage.changes() == ["tasks.create"]


async def test_what_is_sent_is_what_dbc_understands(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    line = (
        f"{CREATE} gpu=2 cpu=8 mem=64 disk=200 ssh=5800 vnc=5950 "
        "ports='tcp,8080 udp,6000-6010' filters=in,tcp,22,0.0.0.0/0,accept"
    )
    await stage.asks(stage.alice, line)
    await stage.ends(stage.alice, "t1 is running on gpu2")
    [call] = stage.world.changing_calls()
    sent = call.additional
    machine = stage.task("t1")
    assert machine.task_id == sent.pop("task_id")
    assert sent == {
        "desc": "t1",
        "image_name": IMAGE,
        "gpu_count": "2",
        "cpu_cores": "8",
        "mem_size": "64",
        "disk_size": "200",
        "ssh_port": "5800",
        "vnc_port": "5950",
        "operation_system": "linux",
        "bios_mode": "legacy",
        "custom_port": ["tcp,8080", "udp,6000-6010"],
        "network_filters": ["in,tcp,22,0.0.0.0/0,accept"],
    }
    assert (len(machine.gpus), machine.ssh_port, machine.vnc_port) == (2, 5800, 5950)


async def test_a_windows_machine_gets_an_rdp_port_and_its_line(one_stage: Stage) -> None:
    stage = one_stage
    stage.node("gpu2").files["/data/windows10.qcow2"] = stage.node("gpu2").files[f"/data/{IMAGE}"]
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(
        stage.alice, "/dbc vm create name=w1 image=windows10.qcow2 os=windows bios=uefi on gpu2"
    )
    await stage.ends(stage.alice, "w1 is running on gpu2")
    shown = await stage.asks(stage.alice, "/dbc vm show w1")
    assert f"mstsc /v:203.0.113.7:{stage.task('w1').rdp_port}" in shown.plain
    assert "Administrator" in shown.plain


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("gpu=x", "GPUs must be a whole number, not “x”"),
        ("gpu=99", "GPUs must be between 0 and 64, not 99"),
        ("ssh=0", "SSH port must be between 1 and 65535, not 0"),
        ("filters=in,tcp,22", "Network filters has rules of five parts"),
        ("os=beos", "System (OS) must be linux or windows, not “beos”"),
        ("colour=red", "`/dbc vm create` has no option “colour”"),
        ("gpu=1 gpu=2", "“gpu” was given twice: “1” and “2”"),
        ("ssh=5900 vnc=5900", "SSH port, RDP port and VNC port must differ"),
    ],
)
async def test_a_typed_fault_is_said_and_nothing_is_sent(
    one_stage: Stage, words: str, fault: str
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu2")
    told = await one_stage.asks(one_stage.alice, f"{CREATE} {words}")
    assert fault in told.plain
    assert told.ephemeral
    assert one_stage.changes() == []


async def test_an_image_that_cannot_be_one_is_said(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu2")
    told = await one_stage.asks(one_stage.alice, "/dbc vm create name=t1 image=jammy on gpu2")
    assert "Image must end with .qcow2" in told.plain


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (f"{CREATE.replace('gpu2', 'gpu1')} gpu=0 cpu=105", "not have enough free resources"),
        ("/dbc vm create name=t1 image=nosuch.qcow2 on gpu2", "There is no such image"),
        (f"{CREATE.replace('gpu2', 'gpu1')} ssh=5684", "This port is used by another machine"),
        (f"{CREATE} lan=nosuch1", "There is no such network"),
    ],
)
async def test_what_the_node_refuses_is_said_once_and_not_followed(
    stage: Stage, line: str, sentence: str
) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    told = await stage.asks(stage.alice, line)
    assert sentence in told.plain
    assert told.ephemeral
    await stage.passes(30)
    assert stage.changes() == ["tasks.create"]
    assert len([m for m in stage.alice.messages() if sentence in m.plain]) == 1


@pytest.mark.parametrize("how", ["no_lease", "no_forwards"])
async def test_a_failed_creation_tells_the_masked_end_of_its_log(stage: Stage, how: str) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    stage.node("gpu2").fail("create", how)
    await stage.asks(stage.alice, CREATE)
    end = await stage.ends(stage.alice, "t1 on gpu2 is in state “create error”")
    assert "process_create_task: " in end.plain
    assert "failed" in end.plain
    machine = stage.task("t1")
    assert machine.login_password not in stage.bob.screen()
    assert machine.vnc_password not in stage.bob.screen()
    assert stage.changes() == ["tasks.create"]


async def test_a_missing_name_opens_the_form_with_what_was_given(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.types(f"/dbc vm create image={IMAGE} gpu=2 on gpu2", CHANNEL)
    modal = await stage.alice.sees_modal("Create a machine")
    assert modal.value("Image") == IMAGE
    assert modal.value("GPUs") == "2"
    assert modal.value("Node") == stage.node("gpu2").node_id
    await stage.alice.submits({"Name": "t1"})
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert len(stage.task("t1").gpus) == 2


async def test_a_creation_that_takes_its_time_is_told_as_it_goes(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    card = await stage.asks(stage.alice, CREATE)
    await stage.passes(3)
    now = next(m for m in stage.alice.messages() if m.ts == card.ts)
    assert "the node says: `creating`" in now.plain
