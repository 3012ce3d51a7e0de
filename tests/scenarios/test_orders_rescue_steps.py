"""What `order rescue` says of disks, room, approvals and how to reach the machines."""

from pathlib import Path

import pytest

from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.orders import LOOKS, ChainStage, chained


async def test_rescue_gives_whole_commands_and_says_how_to_reach_the_machines(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    await scene.stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=30)
    shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "vm shutdown" in shown
    assert "rescue to " in shown
    await scene.until(rental.end + 60)
    shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "While any GPU of gpu1 is rented, it takes commands for these machines" in shown
    (told,) = scene.told(alice, "has ended.")
    assert "it is the only way to reach them" in told


async def test_rescue_says_what_to_copy_where_and_how_much_room_there_is(scene: ChainStage) -> None:
    alice, stage = scene.stage.alice, scene.stage
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=3000)
    await scene.passes(minutes=30, step=60)
    asked = f"/dbc order rescue {rental.number}"
    shown = (await stage.asks(alice, asked)).plain.replace("*", "")
    task = stage.task("inference").task_id[:8]
    assert "1. vdb 100G: over SSH while it runs, to a computer of yours: `ssh -p " in shown
    assert (
        f"2. vda 350G: to image server backup, by `/dbc vm shutdown {task}`, then "
        f"`/dbc snapshot create {task} rescue to backup`" in shown
    )
    assert "System disks\nat most 700 GiB in all\nData disks\nat most 200 GiB in all" in shown
    free = (await stage.asks(alice, "/dbc node show gpu1")).plain.replace("*", "")
    assert "Disk /data\n6437.7G of 7153G free" in free
    assert "Free on gpu1\n/data: 6437.7G of 7153G free" in shown
    assert "Free on image servers\nDBC does not say" in shown
    stage.world.faults.on("dead_node", node="gpu1")
    shown = (await stage.asks(alice, asked)).plain.replace("*", "")
    assert "Free on gpu1\ncould not be read: " in shown
    assert "2. vda 350G: over SSH as well, or by a snapshot to image server backup, once" in shown


async def test_rescue_shuts_down_no_machine_that_is_off(scene: ChainStage) -> None:
    alice = scene.stage.alice
    off(scene.stage)
    await scene.stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=30)
    shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert f"vm shutdown {scene.stage.task('inference').task_id[:8]}" not in shown
    assert f"snapshot create {scene.stage.task('inference').task_id[:8]}" in shown
    assert "Copy data disks first, over SSH, while the machine runs" in shown


async def test_rescue_says_that_disks_are_not_read_yet(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.stage.asks(alice, "/dbc vm list")
    for job in scene.stage.bot._ticker._jobs:
        if job.name in LOOKS:
            await job.run()
    shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "(disks not read yet)" in shown
    assert "1. data disks, if it has any (could not be read): over SSH while it runs" in shown
    assert "2. system disk vda: to image server" in shown
    await scene.passes(minutes=30, step=60)
    shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "(disks not read yet)" not in shown


@pytest.mark.parametrize("needed", [0, 1])
async def test_rescue_says_that_a_shutdown_needs_approval(tmp_path: Path, needed: int) -> None:
    rules = NO_REVIEW
    if needed:
        rules += (
            f'[[rule]]\nname = "off"\nmatch = {{ command = "vm.shutdown" }}\napprovals = {needed}\n'
        )
    async with chained(tmp_path, policy=rules) as scene:
        alice = scene.stage.alice
        await scene.stage.gives_session(alice, "gpu1")
        await scene.stage.asks(alice, "/dbc vm list")
        rental = scene.rents(blocks=600)
        await scene.passes(minutes=2, step=30)
        shown = (await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
        assert ("Shutting a machine down needs approval here" in shown) is bool(needed)
