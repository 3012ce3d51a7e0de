"""A nickname that is another one's name is refused: typed, it would mean either."""

from sandbox.dbc.demo import demo_renter
from tests.scenarios.stage import Stage


async def test_another_machines_name_is_refused_and_it_keeps_meaning_that_one(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != "inference")
    for name in ("inference", "INFERENCE"):
        told = await stage.asks(stage.alice, f"/dbc vm name {other.task_id} {name}")
        assert f"Another machine is already called “{name}”" in told.plain
        assert f"({stage.task('inference').task_id[:8]} on gpu1)" in told.plain
    shown = await stage.asks(stage.alice, "/dbc vm show inference")
    assert "could be any of" not in shown.plain


async def test_a_nickname_that_another_machine_has_is_refused(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != "inference")
    await stage.asks(stage.alice, "/dbc vm name inference serving")
    told = await stage.asks(stage.alice, f"/dbc vm name {other.task_id} serving")
    assert "Another machine is already called “serving”" in told.plain
    again = await stage.asks(stage.alice, "/dbc vm name inference serving")
    assert "nothing has changed" in again.plain
    back = await stage.asks(stage.alice, "/dbc vm name serving inference")
    assert "is now called" in back.plain


async def test_another_nodes_name_is_refused(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    told = await one_stage.asks(one_stage.alice, "/dbc node name gpu1 gpu2")
    assert "Another node is already called “gpu2”" in told.plain


async def test_the_nickname_of_a_machine_that_is_gone_is_free(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    gone, other = stage.task("inference"), stage.task("Ada's training run")
    name_it = f"/dbc vm name {other.task_id} Prod"
    await stage.asks(stage.alice, f"/dbc vm name {gone.task_id} prod")
    del stage.node("gpu1").tasks[gone.task_id]
    told = await stage.asks(stage.alice, name_it)
    assert f"({gone.task_id[:8]} on gpu1)" in told.plain  # nobody knows yet that it is gone
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, name_it)
    assert "on gpu1 is now called Prod." in told.plain.replace("*", "")
    shown = await stage.asks(stage.alice, "/dbc vm show prod")
    assert other.task_id in shown.plain


async def test_the_nickname_of_a_machine_that_another_one_sees_is_taken(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.gives_session(stage.bob, "gpu2")
    stage.node("gpu2").running_task(demo_renter(), desc="his", gpus=[0])
    for person in (stage.alice, stage.bob):
        await stage.asks(person, "/dbc vm list")
    await stage.asks(stage.bob, "/dbc vm name his prod")
    told = await stage.asks(stage.alice, "/dbc vm name inference prod")
    assert "Another machine is already called prod" in told.plain
    shown = await stage.asks(stage.bob, "/dbc vm show prod")
    assert stage.task("his").task_id in shown.plain
