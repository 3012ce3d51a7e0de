"""Snapshots: copied, sent to an image server, and proved by its list."""

import pytest

from sandbox.dbc.task import Libvirt, Status, Task
from tests.scenarios.stage import CHANNEL, Stage, card

TAKE = "/dbc snapshot create inference before to=hub"


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def machine(stage: Stage) -> Task:
    """A machine of Alice's that is off; its snapshots take a minute to send."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF
    task.status = Status.CLOSED
    return task


def slow_down(stage: Stage, machine: Task) -> None:
    """Let a snapshot's upload take a minute."""
    gpu1 = stage.node("gpu1")
    size = gpu1.files[machine.disks["vda"].source_file].size
    gpu1.transfers.rate = size / 60


async def test_a_snapshot_is_followed_until_the_image_server_has_it(
    stage: Stage, machine: Task
) -> None:
    slow_down(stage, machine)
    await stage.asks(stage.alice, TAKE)
    what = "inference on gpu1: snapshot before is being taken, for hub"
    await stage.passes(2)
    refused = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "A snapshot of inference is being taken" in refused.plain
    assert "do not start the machine before this is over" in card(stage.alice, what).plain
    for _ in range(4):
        await stage.passes(5)
    uploading = card(stage.alice, what).plain
    assert "░" in uploading
    assert "the machine may be started again" in uploading
    end = await stage.ends(stage.alice, "inference on gpu1: snapshot before is on hub as snap_")
    assert machine.snapshots[0].file.rpartition("/")[2] in end.plain
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["snapshots.create"]


async def test_a_snapshot_whose_upload_breaks_off_is_no_success(
    stage: Stage, machine: Task
) -> None:
    slow_down(stage, machine)
    stage.world.image_servers["hub"].dies_at = 0.5
    await stage.asks(stage.alice, TAKE)
    end = await stage.ends(stage.alice, "inference", within=300)
    assert "has no snapshot before on hub: the upload failed" in end.plain


async def test_an_image_server_that_cannot_be_reached_proves_nothing(
    stage: Stage, machine: Task
) -> None:
    slow_down(stage, machine)
    await stage.asks(stage.alice, TAKE)
    await stage.passes(20)
    stage.world.image_servers["hub"].reachable = False
    end = await stage.ends(stage.alice, "inference", within=400)
    assert "hub lists nothing at all" in end.plain


async def test_a_snapshot_of_a_running_machine_is_refused_before_dbc_is_asked(
    stage: Stage,
) -> None:
    seen = await stage.asks(stage.alice, "/dbc snapshot create Ada before to=hub")
    assert "a snapshot can be taken only while it is off" in seen.plain
    assert stage.changes() == []


async def test_a_name_is_taken_once_only(stage: Stage) -> None:
    await stage.asks(stage.alice, TAKE)
    await stage.ends(stage.alice, "inference on gpu1: snapshot before is on hub")
    seen = await stage.asks(stage.alice, TAKE)
    assert "has a snapshot called “before” already" in seen.plain
    assert stage.changes() == ["snapshots.create"]


@pytest.mark.parametrize("name", ["a/b", "a?b", '"a b"', ".."])
async def test_a_name_that_could_never_be_addressed_is_refused(stage: Stage, name: str) -> None:
    await stage.asks(stage.alice, f"/dbc snapshot create inference {name} to=hub")
    assert stage.changes() == []


async def test_an_unknown_image_server_is_answered_with_the_known_ones(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc snapshot create inference before to=nowhere")
    assert "no image server “nowhere”; it knows: backup, hub" in seen.plain


async def test_snapshots_are_listed_and_shown(stage: Stage, machine: Task) -> None:
    empty = await stage.asks(stage.alice, "/dbc snapshot list inference")
    assert "has no snapshots" in empty.plain
    await stage.asks(stage.alice, f"{TAKE} desc=fresh")
    await stage.ends(stage.alice, "inference on gpu1: snapshot before is on hub")
    listed = await stage.asks(stage.alice, "/dbc snapshot list inference")
    assert "before" in listed.plain
    assert "fresh" in listed.plain
    shown = await stage.asks(stage.alice, "/dbc snapshot show inference before")
    assert machine.snapshots[0].file.rpartition("/")[2] in shown.plain


async def test_deleting_a_snapshot_cuts_its_upload_off_and_says_so(
    stage: Stage, machine: Task
) -> None:
    slow_down(stage, machine)
    alice = stage.alice
    await stage.asks(alice, TAKE)
    for _ in range(5):
        await stage.passes(5)
    await stage.asks(alice, "/dbc snapshot delete inference before")
    question = await alice.sees("Delete snapshot before of")
    assert "Its upload is in progress and will be cut off" in question.plain
    assert "No image server lists a copy." in question.plain
    assert "stays" not in question.plain
    await stage.confirms(alice, "Delete snapshot before of")
    await stage.ends(alice, "snapshot before of inference on gpu1 was deleted by")
    assert machine.snapshots == []
    assert stage.changes() == ["snapshots.create", "snapshots.delete"]


async def test_a_card_says_which_copy_of_a_snapshot_stays(stage: Stage, machine: Task) -> None:
    await stage.asks(stage.alice, TAKE)
    await stage.ends(stage.alice, "inference on gpu1: snapshot before is on hub")
    await stage.alice.types("/dbc snapshot delete inference before", channel=CHANNEL)
    question = await stage.alice.sees("Delete snapshot before of")
    file = machine.snapshots[0].file.rpartition("/")[2]
    assert f"The copy on hub stays ({file})." in question.plain
    assert "Copy on" in question.plain


async def test_a_snapshots_upload_can_be_stopped_by_its_file(stage: Stage, machine: Task) -> None:
    slow_down(stage, machine)
    alice = stage.alice
    await stage.asks(alice, TAKE)
    for _ in range(5):
        await stage.passes(5)
    file = machine.snapshots[0].file
    await stage.asks(alice, f"/dbc image stop {file} on gpu1")
    await stage.confirms(alice, "Stop the upload of")
    machine.snapshot_status["before"] = "none"
    end = await stage.ends(alice, "the upload of snapshot before of inference")
    assert "the upload of snapshot before of *inference* on *gpu1* was told to stop" in end.plain
