"""A machine that is on another node than the one that was named: the person is told where it is."""

import pytest

from tests.scenarios.stage import Stage

LINES = (
    "vm restart {} on gpu2",
    "vm show {} on gpu2",
    "disk list {} on gpu2",
    "watch vm {} on gpu2",
)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("by", ["name", "id", "beginning"])
async def test_it_is_said_where_the_machine_is(one_stage: Stage, line: str, by: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("inference").task_id
    text = {"name": "inference", "id": task, "beginning": task[:8]}[by]
    told = await stage.asks(stage.alice, f"/dbc {line.format(text)}")
    assert "inference is on gpu2" not in told.plain
    assert "inference is on gpu1, not on gpu2." in told.plain
    assert "None of your machines" not in told.plain
    assert stage.changes() == []


async def test_it_is_said_also_without_a_session_for_the_node_that_was_named(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, "/dbc vm show inference on gpu2")
    assert "inference is on gpu1, not on gpu2." in told.plain


async def test_what_is_nowhere_is_denied_for_the_node_that_was_named(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    told = await stage.asks(stage.alice, "/dbc vm show nosuch on gpu2")
    assert "None of your machines on gpu2 is called “nosuch”" in told.plain


async def test_a_node_that_is_silent_may_have_one_of_that_name(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.node("gpu2").silent = True
    told = await stage.asks(stage.alice, "/dbc vm show inference on gpu2")
    assert "None of your machines on gpu2 is called “inference”. gpu2 did not answer." in told.plain
