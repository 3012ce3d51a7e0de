"""What one odd text makes unreadable can still be seen as far as known, and be deleted."""

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Snapshot, Task
from tests.scenarios.stage import Stage


async def odd_machine(stage: Stage, desc: str = 'say "hi"') -> Task:
    """A machine that somebody else made, with a description that DBC cannot put into JSON."""
    await stage.gives_session(stage.alice, "gpu1")
    return stage.node("gpu1").running_task(demo_renter(), desc=desc, vnc_port=5999)


async def test_a_machine_that_spoils_the_list_is_deleted_by_its_full_id(stage: Stage) -> None:
    odd = await odd_machine(stage)
    refused = await stage.asks(stage.alice, f"/dbc vm delete {odd.task_id[:8]}")
    assert "gpu1 sent a machine list that cannot be read." in refused.plain
    assert "could not be asked" not in refused.plain
    assert "With its full id, you can still show and delete it." in refused.plain
    await stage.alice.types(f"/dbc vm delete {odd.task_id}")
    await stage.confirms(stage.alice, "Delete")
    await stage.ends(stage.alice, f"{odd.task_id[:8]} is deleted")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert listed.text.startswith("2 machines on 1 node")


async def test_a_machine_that_spoils_the_list_is_shown_as_far_as_it_is_known(
    one_stage: Stage,
) -> None:
    stage = one_stage
    odd = await odd_machine(stage)
    shown = await stage.asks(stage.alice, f"/dbc vm show {odd.task_id}")
    assert odd.task_id in shown.plain
    assert "could not be read" in shown.plain
    assert f"vm delete {odd.task_id}" in shown.plain
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert listed.text.startswith("gpu1 could not be listed")
    assert f"vm delete {odd.task_id}" in listed.plain


async def test_a_list_that_cannot_be_read_says_how_to_get_rid_of_what_it_does_not_show(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await odd_machine(stage)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert listed.text.startswith("gpu1 could not be listed")
    assert "0 machines" not in listed.plain
    assert "/dbc vm delete <id>" in listed.plain.replace("`", "")


async def test_an_id_of_no_machine_is_none_also_where_the_list_cannot_be_read(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await odd_machine(stage)
    told = await stage.asks(stage.alice, "/dbc vm delete 7zzzzzzzzzzzzzzzzzzzzz")
    assert "None of your machines is called" in told.plain
    assert stage.changes() == []


async def test_a_snapshot_that_spoils_the_list_is_deleted_by_its_name(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    machine = stage.task("inference")
    taken = Snapshot("odd", 'say "hi"', "/data/odd.qcow2", stage.world.clock.now())
    machine.snapshots.append(taken)
    listed = await stage.asks(stage.alice, "/dbc snapshot list inference")
    assert "snapshot delete inference <snapshot>" in listed.plain
    await stage.alice.types("/dbc snapshot delete inference odd")
    await stage.confirms(stage.alice, "Delete snapshot odd")
    await stage.quiet()
    assert machine.snapshots == []


async def test_no_count_is_told_of_nodes_that_nobody_could_be_asked_for(one_stage: Stage) -> None:
    stage = one_stage
    stage.daemon.crash()
    for line in ("/dbc node list", "/dbc metal list"):
        told = await stage.asks(stage.alice, line)
        assert "The DBC daemon cannot be reached" in told.plain
        assert "0 " not in told.plain


async def test_an_image_server_that_cannot_be_read_does_not_hide_the_others(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.world.faults.on("slow", path="/images/servers", count=1, seconds=0)
    broken = stage.world.faults.on("bad_json", path="/images")
    listed = await stage.asks(stage.alice, "/dbc image list")
    for place in ("*hub* (image server)", "*backup* (image server)", "*gpu1*"):
        assert f"{place} :warning: DBC's answer was cut off" in listed.plain
    assert broken.hits > 2
