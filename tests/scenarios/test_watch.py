"""Watches: what is followed, also when it was started elsewhere, and to stop it."""

from datetime import timedelta

import pytest

from sandbox.dbc import jobs
from sandbox.dbc.images import ImageFile
from sandbox.dbc.task import Status
from sandbox.dbc.values import GIB
from sandbox.dbc.worker import Durations
from tests.scenarios.stage import Stage, card

PYTORCH = "pytorch-2.4.qcow2"


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def alices_session(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.node("gpu1").transfers.rate = GIB / 4


async def test_a_machine_started_elsewhere_is_followed_until_it_rests(stage: Stage) -> None:
    gpu1, task = stage.node("gpu1"), stage.task("inference")
    task.status = Status.POWERING_OFF
    gpu1.push("poweroff", task, jobs.poweroff(gpu1, task))
    await stage.asks(stage.alice, "/dbc watch vm inference")
    await stage.ends(stage.alice, "inference is off on gpu1")
    assert stage.changes() == []


async def test_machines_of_one_node_are_looked_at_with_one_request(stage: Stage) -> None:
    gpu1 = stage.node("gpu1")
    gpu1.durations = Durations(poweroff=timedelta(minutes=10))
    for name in ("inference", "Ada"):
        await stage.asks(stage.alice, f"/dbc vm poweroff {name}")
        await stage.confirms(stage.alice, "Power off")
    await stage.passes(60)
    stage.world.calls.clear()
    stage.clock.advance(timedelta(seconds=20))
    await stage.bot.tick()
    assert len(stage.world.calls.of("tasks.list")) == 1
    assert stage.world.calls.of("tasks.get") == []


async def test_of_many_transfers_at_a_silent_node_one_is_asked_about(stage: Stage) -> None:
    gpu1 = stage.node("gpu1")
    gpu1.transfers.rate = GIB / 100
    for image in (PYTORCH, "windows10.qcow2"):
        await stage.asks(stage.alice, f"/dbc image download {image} on gpu1")
    await stage.passes(10)
    stage.world.calls.clear()
    gpu1.silent = True
    await stage.passes(10)
    assert len(stage.world.calls.of("images.download_progress")) == 1


async def test_a_node_that_answers_with_a_code_that_nobody_knows_is_not_silent(
    stage: Stage,
) -> None:
    gpu1 = stage.node("gpu1")
    gpu1.transfers.rate = GIB / 100
    for image in (PYTORCH, "windows10.qcow2"):
        await stage.asks(stage.alice, f"/dbc image download {image} on gpu1")
    await stage.passes(10)
    stage.world.calls.clear()
    stage.world.faults.on("odd_code", path="/images/downloadprogress")
    await stage.passes(10)
    assert len(stage.world.calls.of("images.download_progress")) == 2
    assert "error code that is not known (-701)" in stage.alice.screen()
    assert "has not answered" not in stage.alice.screen()


async def test_a_machine_deleted_elsewhere_is_told_to_be_gone(stage: Stage) -> None:
    gpu1, task = stage.node("gpu1"), stage.task("inference")
    task.status = Status.DELETING
    gpu1.push("delete", task, jobs.delete(gpu1, task))
    await stage.asks(stage.alice, "/dbc watch vm inference")
    await stage.ends(stage.alice, "inference is gone from gpu1")


async def test_a_machine_that_rests_is_not_followed(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc watch vm inference")
    assert "inference is “running”: nothing is changing" in seen.plain


async def test_a_download_started_elsewhere_is_followed_to_its_proof(stage: Stage) -> None:
    gpu1, hub = stage.node("gpu1"), stage.world.image_servers["hub"]
    gpu1.transfers.download(PYTORCH, "/data", hub, stage.clock.now())
    await stage.asks(stage.alice, f"/dbc watch image {PYTORCH} on gpu1")
    card(stage.alice, f"{PYTORCH} is being downloaded from hub to gpu1")
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu1", within=400)
    assert stage.changes() == []


async def test_an_upload_started_elsewhere_is_followed_to_its_proof(stage: Stage) -> None:
    gpu1, hub = stage.node("gpu1"), stage.world.image_servers["hub"]
    gpu1.files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    gpu1.transfers.upload("/data/mine.qcow2", hub, stage.clock.now())
    await stage.asks(stage.alice, "/dbc watch image mine.qcow2 to=hub on gpu1")
    await stage.ends(stage.alice, "mine.qcow2 was uploaded from gpu1 to hub", within=400)
    assert stage.changes() == []


async def test_a_transfer_that_does_not_run_is_not_followed(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, f"/dbc watch image {PYTORCH} on gpu1")
    assert f"The node reports no transfer of {PYTORCH}" in seen.plain


async def test_what_is_followed_is_listed_and_can_be_let_go(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(30)
    listed = await stage.asks(alice, "/dbc watch list")
    assert f"{PYTORCH}* on *gpu1*:" in listed.plain
    assert "%" in listed.plain
    await stage.asks(alice, f"/dbc watch stop {PYTORCH}")
    assert "is no longer followed" in card(alice).plain
    for _ in range(10):
        await stage.passes(30)
    assert stage.changes() == ["images.download"]
    assert f"/data/{PYTORCH}" in stage.node("gpu1").files
