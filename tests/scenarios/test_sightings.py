"""What a person has just listed is in the search fields and can be named at once."""

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Disk
from sandbox.dbc.values import GIB
from tests.scenarios.stage import CHANNEL, Stage


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice has listed what there was before anything came from elsewhere."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes(60)
    for line in ("vm list", "image list", "disk list inference", "snapshot list inference"):
        await stage.asks(stage.alice, f"/dbc {line}")
    return stage


async def offered(stage: Stage, line: str, field: str, query: str = "") -> list[str]:
    """What a form's search field offers now."""
    await stage.alice.types(f"/dbc {line}", CHANNEL)
    await stage.alice.sees_modal(field)
    found = await stage.alice.suggests(field, query)
    await stage.alice.closes()
    return found


async def test_a_machine_made_elsewhere_and_just_listed_is_found_by_its_beginning(
    stage: Stage,
) -> None:
    made = stage.node("gpu1").running_task(demo_renter(), desc="night-run", vnc_port=5999)
    assert await offered(stage, "vm show", "Machine", "night") == []
    await stage.asks(stage.alice, "/dbc vm list")
    [found] = await offered(stage, "vm show", "Machine", "night")
    assert found.startswith("night-run")
    asked_before = len(stage.world.calls.of("tasks.list"))
    await stage.asks(stage.alice, "/dbc vm name nig night")
    assert "is now called" in stage.alice.last(CHANNEL).plain
    assert made.task_id[:8] in stage.alice.last(CHANNEL).plain
    assert len(stage.world.calls.of("tasks.list")) == asked_before + 1  # a beginning is no name


async def test_an_image_that_came_from_elsewhere_and_was_just_listed_is_offered(
    stage: Stage,
) -> None:
    files = stage.node("gpu1").files
    files["/data/fresh.qcow2"] = next(iter(files.values()))
    assert await offered(stage, "vm create", "Image", "fresh") == ["“fresh”, as typed"]
    await stage.asks(stage.alice, "/dbc image list on gpu1")
    [found] = await offered(stage, "vm create", "Image", "fresh")
    assert found.startswith("fresh.qcow2 · gpu1")


async def test_a_disk_that_was_just_listed_is_offered(stage: Stage) -> None:
    stage.task("inference").disks["vdx"] = Disk("vdx", "/data/x.qcow2", 10 * GIB)
    assert not [disk for disk in await offered(stage, "disk delete", "Disk", "vdx") if "·" in disk]
    await stage.asks(stage.alice, "/dbc disk list inference")
    [found] = await offered(stage, "disk delete", "Disk", "vdx")
    assert found.startswith("vdx · ")
