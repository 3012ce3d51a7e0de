"""Disks: listed, added, grown, deleted, and proved by the machine's disks alone."""

import pytest

from sandbox.dbc.task import Libvirt, Status, Task
from sandbox.dbc.values import GIB
from tests.scenarios.stage import CHANNEL, Stage, card


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def machine(stage: Stage) -> Task:
    """A machine of Alice's that is off."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF
    task.status = Status.CLOSED
    return task


def turn_on(task: Task) -> None:
    assert task.domain is not None
    task.domain.state = Libvirt.RUNNING
    task.status = Status.RUNNING


async def test_the_disks_are_listed_with_their_files(stage: Stage, machine: Task) -> None:
    seen = await stage.asks(stage.alice, "/dbc disk list inference")
    for text in ("vda", "350G", "vdb", "100G", machine.disks["vdb"].source_file):
        assert text in seen.plain


async def test_a_machine_without_disks_is_not_called_a_node_of_another_kind(
    stage: Stage, machine: Task
) -> None:
    machine.bios_mode = "pxe"
    seen = await stage.asks(stage.alice, "/dbc disk list inference")
    assert "A machine that boots by PXE has no disks on the node." in seen.plain
    assert "pxe not support disk" in seen.plain
    assert "bare-metal" not in seen.plain


async def test_a_size_above_a_terabyte_is_shown_exactly(stage: Stage, machine: Task) -> None:
    machine.disks["vdb"].size = 1536 * GIB
    seen = await stage.asks(stage.alice, "/dbc disk list inference")
    assert "1536G" in seen.plain


async def test_a_disk_is_added_and_followed_until_the_list_shows_it(
    stage: Stage, machine: Task
) -> None:
    await stage.asks(stage.alice, "/dbc disk add inference 50")
    card(stage.alice, "inference on gpu1 gets a new disk of 50 GiB")
    await stage.ends(stage.alice, "inference on gpu1 has a new disk vdc (50G)")
    assert machine.disks["vdc"].size == 50 * GIB
    assert len(stage.endings(stage.alice)) == 1
    assert [c.additional for c in stage.world.changing_calls()] == [
        {"size": 50, "mount_dir": "/data"}
    ]


async def test_a_disk_that_never_appears_is_no_success(stage: Stage) -> None:
    stage.node("gpu1").fail("attach")
    await stage.asks(stage.alice, "/dbc disk add inference 50")
    for _ in range(5):
        await stage.passes(30)
    assert stage.endings(stage.alice) == []
    await stage.passes(3600)
    end = await stage.ends(stage.alice, "inference on gpu1 does not show the change")
    assert end.buttons == ["Keep watching", "Show logs", "Show", "More …"]
    await stage.bob.presses("Keep watching", end)
    await stage.bob.sees("Only the requester or someone with a session")
    await stage.alice.presses("Keep watching", end)
    await stage.alice.sees(r"I go on following .inference")


async def test_growing_says_that_it_adds_and_happens_once(stage: Stage, machine: Task) -> None:
    await stage.asks(stage.alice, "/dbc disk resize inference vdb +50")
    card(stage.alice, "inference on gpu1 adds 50 GiB to vdb: 100G → 150G")
    await stage.ends(stage.alice, "inference on gpu1 has 50 GiB more on vdb: 150G")
    assert machine.disks["vdb"].size == 150 * GIB
    assert [c.additional for c in stage.world.changing_calls()] == [{"disk": "vdb", "size": 50}]


@pytest.mark.parametrize("size", ["size=200", "200G", "to 200"])
async def test_a_size_without_a_sign_is_the_new_size_and_asks_first(
    stage: Stage, machine: Task, size: str
) -> None:
    await stage.asks(stage.alice, f"/dbc disk resize inference vdb {size}")
    assert stage.changes() == []
    question = stage.question(stage.alice).plain
    assert "Grow disk vdb of inference on gpu1 by 100 GiB to 200G?" in question.replace("*", "")
    assert "Present size*\n100G" in question
    await stage.confirms(stage.alice, "Grow disk vdb")
    await stage.ends(stage.alice, "inference on gpu1 has 100 GiB more on vdb: 200G")
    assert [c.additional for c in stage.world.changing_calls()] == [{"disk": "vdb", "size": 100}]


async def test_a_new_size_that_is_not_larger_is_refused_with_how_to_add(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc disk resize inference vdb 50")
    assert "vdb has 100G already; it can only grow, not become 50 GiB." in told.plain
    assert "To add 50 GiB to it, say +50." in told.plain
    told = await stage.asks(stage.alice, "/dbc disk resize inference vdb +50 size=200")
    assert "either how much to add or the new size" in told.plain
    assert stage.changes() == []


async def test_a_new_size_is_not_reached_from_another_one(stage: Stage, machine: Task) -> None:
    await stage.asks(stage.alice, "/dbc disk resize inference vdb 200")
    machine.disks["vdb"].size = 150 * GIB
    await stage.confirms(stage.alice, "Grow disk vdb")
    assert stage.changes() == []
    await stage.alice.sees("Changed since it was shown")


async def test_the_form_of_a_resize_takes_either(stage: Stage, machine: Task) -> None:
    await stage.alice.types("/dbc disk resize inference vdb", CHANNEL)
    await stage.alice.sees_modal("Grow a disk")
    await stage.alice.submits({})
    assert "Grow by (GiB) is required." in str(stage.alice.modal)
    await stage.alice.submits({"New size (GiB)": "200"})
    await stage.confirms(stage.alice, "by 100 GiB to 200G")
    await stage.ends(stage.alice, "inference on gpu1 has 100 GiB more on vdb: 200G")


async def test_a_disk_that_should_shrink_is_refused_with_the_reason(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc disk resize inference vdb -20")
    assert "A disk can only grow; “-20” would make it smaller." in told.plain
    assert stage.changes() == []


async def test_growing_without_an_answer_is_settled_by_looking_never_by_sending_again(
    stage: Stage, machine: Task
) -> None:
    stage.world.faults.on("reset_after", path="/disk/resize", count=1)
    await stage.asks(stage.alice, "/dbc disk resize inference vdb +50")
    await stage.ends(stage.alice, "inference on gpu1 has 50 GiB more on vdb: 150G")
    assert machine.disks["vdb"].size == 150 * GIB
    assert stage.changes() == ["disks.resize"]


async def test_growing_that_never_arrived_ends_as_not_known(stage: Stage, machine: Task) -> None:
    stage.world.faults.on("reset_before", path="/disk/resize", count=1)
    await stage.asks(stage.alice, "/dbc disk resize inference vdb +50")
    end = await stage.ends(stage.alice, "inference", within=200)
    assert "the command got no clear answer" in end.plain
    assert machine.disks["vdb"].size == 100 * GIB


@pytest.mark.parametrize(
    "line", ["disk resize inference vdb +50", "disk add inference 50", "disk delete inference vdb"]
)
async def test_a_machine_that_runs_is_refused_before_dbc_is_asked(
    stage: Stage, machine: Task, line: str
) -> None:
    turn_on(machine)
    seen = await stage.asks(stage.alice, f"/dbc {line}")
    assert "its disks can be changed only while it is off" in seen.plain
    assert stage.changes() == []


async def test_a_second_job_waits_for_the_first(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc disk resize inference vdb +50")
    seen = await stage.asks(stage.alice, "/dbc disk resize inference vdb +50")
    assert "is still being worked on" in seen.plain
    assert stage.changes() == ["disks.resize"]


async def test_a_disk_that_is_not_there_is_answered_with_those_that_are(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc disk resize inference vdx +50")
    assert "no disk “vdx”; its disks: vda (350G), vdb (100G)" in seen.plain


async def test_a_disk_is_deleted_after_a_confirmation(stage: Stage, machine: Task) -> None:
    await stage.asks(stage.alice, "/dbc disk delete inference vdb")
    question = await stage.alice.sees("Delete disk vdb of")
    assert "vdb (100G) and all its data" in question.plain
    await stage.confirms(stage.alice, "Delete disk vdb of")
    await stage.ends(stage.alice, "inference on gpu1 no longer has the disk vdb")
    assert "vdb" not in machine.disks


async def test_the_system_disk_cannot_be_deleted(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc disk delete inference vda")
    assert "system disk" in seen.plain
    assert stage.changes() == []


async def test_a_disk_grown_to_another_size_than_was_shown_is_not_deleted(
    stage: Stage, machine: Task
) -> None:
    await stage.asks(stage.alice, "/dbc disk delete inference vdb")
    machine.disks["vdb"].size = 500 * GIB
    await stage.confirms(stage.alice, "Delete disk vdb of")
    assert stage.changes() == []
    assert "Present size was “100G” and is now “500G”" in stage.alice.screen()


async def test_a_host_directory_that_is_none_is_refused(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc disk add inference 50 dir=data")
    assert "absolute directory" in seen.plain
    assert stage.changes() == []
