"""A nickname that is another one's name is refused: typed, it would mean either."""

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
