"""A node's list that is short for a moment: what it leaves out is not believed to be gone."""

from dataclasses import replace

import pytest

from tests.scenarios.machines import off
from tests.scenarios.stage import Stage

CREATE = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=0 on gpu1"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice's machine on gpu1 is off."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    off(one_stage)
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


def lists_nothing(stage: Stage, times: int = 1) -> None:
    """The next answers about machines leave out all of them."""
    stage.world.faults.on("empty_list", path="/tasks", count=times)


async def test_a_delete_that_was_not_carried_out_is_not_told_as_done(stage: Stage) -> None:
    stage.world.faults.on("dead_node", path="/tasks/delete", count=1)
    await stage.asks(stage.alice, "/dbc vm delete inference")
    await stage.confirms(stage.alice, "Delete")
    lists_nothing(stage)
    await stage.passes(5)
    assert stage.endings(stage.alice) == []
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “off”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "is deleted" not in end.plain
    assert stage.task("inference").desc == "inference"


async def test_a_delete_that_was_carried_out_is_told_at_once(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm delete inference")
    await stage.confirms(stage.alice, "Delete")
    await stage.ends(stage.alice, "inference is deleted on gpu1", within=10)


@pytest.mark.parametrize(
    ("line", "name"), [("/dbc vm start inference", "inference"), (CREATE, "t1")]
)
async def test_a_machine_that_is_left_out_once_is_followed_to_its_end(
    stage: Stage, line: str, name: str
) -> None:
    await stage.asks(stage.alice, line)
    await stage.passes(3)
    lists_nothing(stage)
    await stage.ends(stage.alice, f"{name} is running on gpu1")
    assert len(stage.endings(stage.alice)) == 1


async def test_a_network_that_is_left_out_once_is_not_told_as_deleted(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")
    stage.world.faults.on("dead_node", path="/lan/delete", count=1)
    await stage.asks(stage.alice, "/dbc lan delete team01 on gpu1")
    await stage.confirms(stage.alice, "Delete")
    stage.world.faults.on("empty_list", path="/lan", count=1)
    await stage.passes(5)
    assert "no longer has" not in str(stage.endings(stage.alice))
    await stage.ends(stage.alice, "gpu1 still has the network team01", within=180)


async def test_where_the_node_does_not_say_more_it_is_looked_at_again(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm start inference")
    lists_nothing(stage)
    stage.world.faults.on("unknown_node", path=f"/tasks/{stage.task('inference').task_id}", count=1)
    await stage.passes(3)
    assert stage.endings(stage.alice) == []
    await stage.ends(stage.alice, "inference is running on gpu1")


@pytest.mark.parametrize("fault", ["empty_list", "short_list"])
async def test_a_disk_that_is_left_out_once_is_not_told_as_deleted(
    stage: Stage, fault: str
) -> None:
    task = stage.task("inference")
    stage.world.faults.on("dead_node", path="/disk/delete", count=1)
    await stage.asks(stage.alice, "/dbc disk delete inference vdb")
    await stage.confirms(stage.alice, "Delete")
    stage.world.faults.on(fault, path=f"/tasks/{task.task_id}", count=1)
    await stage.passes(5)
    assert "no longer has" not in str(stage.endings(stage.alice))
    await stage.ends(stage.alice, "inference on gpu1 does not show the change", within=180)
    assert "vdb" in task.disks


async def test_a_machine_that_lists_leave_out_is_shown_and_found(stage: Stage) -> None:
    stage.world.faults.on("empty_list", path="/tasks")
    for _ in range(3):
        await stage.passes(61)
    seen = await stage.asks(stage.alice, "/dbc vm list")
    assert "inference" in seen.plain
    assert "as last seen" not in seen.plain  # its own answer was asked for
    await stage.asks(stage.alice, "/dbc vm start inf")
    await stage.ends(stage.alice, "inference is running on gpu1")


async def test_a_machine_of_which_nothing_is_said_is_shown_as_last_seen(stage: Stage) -> None:
    task = stage.task("inference").task_id
    stage.world.faults.on("unknown_node", path=f"/tasks/{task}")
    lists_nothing(stage, 9)
    await stage.passes(61)
    seen = await stage.asks(stage.alice, "/dbc vm list")
    assert "inference" in seen.plain
    assert "not in the node's list now; as last seen" in seen.plain
    as_json = await stage.asks(stage.alice, "/dbc vm list --json")
    assert "Not in the node's list now." in as_json.plain


async def test_a_machine_that_the_node_says_is_gone_is_shown_no_more(stage: Stage) -> None:
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    seen = await stage.asks(stage.alice, "/dbc vm list")
    assert "inference" not in seen.plain


async def test_of_many_that_are_left_out_some_are_looked_at_each_time(stage: Stage) -> None:
    for number in range(12):
        node = stage.node("gpu1")
        copy = replace(stage.task("inference"), task_id=f"{number:022d}", desc=f"m{number}")
        node.tasks[copy.task_id] = copy
    await stage.asks(stage.alice, "/dbc vm list")
    stage.world.faults.on("empty_list", path="/tasks")
    stage.world.calls.clear()
    seen = await stage.asks(stage.alice, "/dbc vm list")
    assert len(stage.world.calls.of("tasks.detail")) == 10
    assert "1 to 10 of 14" in seen.plain
    first = seen.plain
    await stage.alice.presses("Next ▶", seen)
    await stage.quiet()
    second = next(m for m in stage.alice.messages() if m.ts == seen.ts).plain
    assert all(f"m{number}" in first + second for number in range(12))
    assert "as last seen" in first + second
