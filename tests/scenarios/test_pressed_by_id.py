"""A button means the machine that it stands beside: by its id, whatever others are called now."""

from pathlib import Path

import pytest

from sandbox.dbc.task import Task
from tests.scenarios.machines import off
from tests.scenarios.site import site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_machine_buttons import chooses


async def _replaced(stage: Stage, called: str) -> tuple[Task, Task]:
    """The machine inference is gone, and another one is called like its id."""
    gone, other = stage.task("inference"), stage.task("Ada's training run")
    del stage.node("gpu1").tasks[gone.task_id]
    other.desc = called.format(id=gone.task_id)
    await stage.asks(stage.alice, "/dbc vm list")
    return gone, other


@pytest.mark.parametrize("called", ["{id}", "{id}-restored"])
async def test_start_beside_a_machine_that_is_gone_starts_no_other(
    stage: Stage, called: str
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    off(stage, "Ada's training run")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    await _replaced(stage, called)
    await chooses(stage, stage.alice, listed, "inference", "Start")
    await stage.passes(30)
    assert stage.changes() == []
    assert "None of your machines" in stage.alice.last(CHANNEL).plain


async def test_show_and_logs_of_a_machine_that_is_gone_show_no_other(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    _, other = await _replaced(stage, "{id}-restored")
    for act in ("Show", "Logs"):
        await chooses(stage, stage.alice, listed, "inference", act)
        told = stage.alice.last(CHANNEL).plain
        assert "None of your machines" in told
        assert other.login_password not in told


async def test_delete_of_a_machine_that_is_gone_deletes_no_other(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\ndestroy = {}\n") as stage:
        listed = await stage.asks(stage.alice, "/dbc vm list")
        await chooses(stage, stage.alice, listed, "inference", "More …")
        more = await stage.alice.sees("As last seen")
        await _replaced(stage, "{id}")
        await stage.alice.presses("Delete", more)
        await stage.quiet()
        await stage.passes(30)
        assert stage.changes() == []


async def test_a_form_for_a_machine_that_is_gone_changes_no_other(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    await chooses(stage, stage.alice, listed, "inference", "More …")
    more = await stage.alice.sees("As last seen")
    await stage.alice.presses("Rename …", more)
    await stage.alice.sees_modal("Name a machine")
    _, other = await _replaced(stage, "{id}")
    await stage.alice.submits({"Nickname": "serving"})
    await stage.quiet()
    told = await stage.asks(stage.alice, "/dbc vm list")
    assert "serving" not in told.plain
    assert other.desc in told.plain


async def test_a_typed_name_that_reads_like_an_id_still_means_its_machine(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.task("inference").desc = "adas_training_run_25"
    await stage.asks(stage.alice, "/dbc vm list")
    shown = await stage.asks(stage.alice, "/dbc vm show adas_training_run_25")
    assert "*adas_training_run_25* on *gpu1*" in shown.plain
    await stage.alice.types("/dbc vm name adas_training_run_25")
    await stage.quiet()
    await stage.alice.sees_modal("Name a machine")
    await stage.alice.submits({"Nickname": "serving"})
    await stage.quiet()
    assert "serving" in (await stage.asks(stage.alice, "/dbc vm list")).plain


async def test_a_nickname_that_begins_like_an_id_is_refused(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    task = stage.task("inference").task_id
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, f'/dbc vm name "Ada\'s training run" {task}-v2')
    assert "looks like an id" in told.plain
