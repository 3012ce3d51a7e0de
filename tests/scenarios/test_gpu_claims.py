"""GPUs of a machine that is off count as free: who takes them is told, and who lacks them, too."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind, AuditQuery
from sandbox.dbc.faults import FaultName
from storage import Archive
from tests.scenarios.machines import off
from tests.scenarios.stage import CONFIRM_ONLY, Stage, staged

IMAGE = "ubuntu-20.04.qcow2"
CREATE = f"/dbc vm create name=late image={IMAGE} cpu=2 mem=8 disk=10 on gpu1 gpu="


async def with_one_off(stage: Stage) -> None:
    """`inference` is off, and has one GPU of gpu1; two of its eight are in use."""
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm list")


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (6, "inference (off, 1 GPU) cannot start again while this machine runs: too few GPUs"),
        (1, "inference (off, 1 GPU) might not be able to start again while this machine runs"),
    ],
)
async def test_whose_gpus_a_new_machine_takes_is_told_before_it_is_sent(
    one_stage: Stage, count: int, told: str
) -> None:
    stage = one_stage
    await with_one_off(stage)
    question = await stage.asks(stage.alice, f"{CREATE}{count}")
    assert told in question.plain.replace("*", "")
    assert question.ephemeral
    assert "Run it anyway" in question.buttons
    assert stage.changes() == []
    await stage.alice.presses("Run it anyway", question)
    await stage.quiet()
    await stage.ends(stage.alice, "late is running on gpu1")


async def test_a_start_without_its_gpus_says_who_has_some_and_what_to_do(stage: Stage) -> None:
    await with_one_off(stage)
    stage.task("Ada's training run").gpus = [0, 2]
    end = await stage.asks(stage.alice, "/dbc vm start inference")
    said = end.plain.replace("*", "")
    assert "The GPUs of inference are not free." in said
    assert "Ada's training run (2 GPUs)" in said
    assert end.buttons[:3] == ["Shut down Ada's training run", "Modify …", "Retry …"]
    await stage.alice.presses("Shut down Ada's training run", end)
    await stage.quiet()
    assert "Shut down Ada's training run on gpu1" in stage.question(stage.alice).plain.replace(
        "*", ""
    )


async def test_what_failed_is_requested_again_from_its_form(one_stage: Stage) -> None:
    stage = one_stage
    await with_one_off(stage)
    stage.task("Ada's training run").gpus = [0, 2]
    end = await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.alice.presses("Retry …", end)
    await stage.quiet()
    await stage.alice.sees_modal("Start a machine")
    stage.task("Ada's training run").gpus = [0]
    await stage.alice.submits({})
    await stage.quiet()
    await stage.ends(stage.alice, "inference is running on gpu1")


async def test_no_button_of_what_the_rules_deny(tmp_path: Path) -> None:
    never = '[[rule]]\nname = "never"\nmatch = { command = "vm.shutdown" }\ndeny = "Never."\n'
    async with staged(tmp_path, policy=f"{CONFIRM_ONLY}\n{never}") as stage:
        await with_one_off(stage)
        stage.task("Ada's training run").gpus = [0, 2]
        end = await stage.asks(stage.alice, "/dbc vm start inference")
        assert end.buttons[:2] == ["Modify …", "Retry …"]


def silent_about(stage: Stage, desc: str, name: FaultName = FaultName.DEAD_NODE) -> None:
    """The node answers everything, but for how this machine is."""
    stage.world.faults.on(name, node="gpu1", path=f"/tasks/{stage.task(desc).task_id}")


async def test_a_caution_that_cannot_be_read_keeps_nothing_from_being_made(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await with_one_off(stage)
    silent_about(stage, "inference")
    await stage.asks(stage.alice, f"{CREATE}1")
    assert stage.changes() == ["tasks.create"]
    screen = stage.alice.screen().replace("*", "")
    assert "not checked before: The GPUs of 1 machine that is off could not be read." in screen


async def test_a_look_that_takes_too_long_is_given_up(one_stage: Stage) -> None:
    stage = one_stage
    await with_one_off(stage)
    silent_about(stage, "inference", FaultName.HANG)
    await stage.alice.types(f"{CREATE}1")
    await stage.world.calls.wait("tasks.detail")
    stage.clock.advance(timedelta(seconds=6))
    await stage.quiet()
    assert stage.changes() == ["tasks.create"]


@pytest.mark.parametrize("fault", [FaultName.DEAD_NODE, FaultName.RESET_BEFORE])
async def test_nobody_is_told_that_no_machine_has_gpus_unless_all_were_read(
    one_stage: Stage, fault: FaultName
) -> None:
    stage = one_stage
    await with_one_off(stage)
    stage.task("Ada's training run").gpus = [0, 2]
    silent_about(stage, "Ada's training run", fault)
    end = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "You can see no machine" not in end.plain
    assert "does not have enough free resources" in end.plain
    assert "Retry …" in end.buttons


async def test_what_was_refused_is_stored_before_more_is_found_out(stage: Stage) -> None:
    await with_one_off(stage)
    stage.task("Ada's training run").gpus = [0, 2]
    silent_about(stage, "Ada's training run", FaultName.HANG)
    await stage.alice.types("/dbc vm start inference")
    await stage.world.calls.wait("tasks.detail", count=2)  # its own, and that one's
    archive = Archive(f"sqlite+aiosqlite:///{stage.data}/bot.db")
    ended = [row.entry async for row in archive.rows(AuditQuery(command="vm.start"))]
    await archive.close()
    assert [one.outcome for one in ended if one.kind is AuditKind.ENDED] == ["failed"]
    stage.clock.advance(timedelta(seconds=2.1))
    await stage.quiet()


async def test_what_explains_a_refusal_is_given_up_in_time(one_stage: Stage) -> None:
    stage = one_stage
    await with_one_off(stage)
    stage.task("Ada's training run").gpus = [0, 2]
    silent_about(stage, "Ada's training run", FaultName.HANG)
    await stage.alice.types("/dbc vm start inference")
    await stage.world.calls.wait("tasks.detail", count=2)  # its own, and that one's
    stage.clock.advance(timedelta(seconds=2.1))
    await stage.quiet()
    assert "gpu1 does not have enough free resources" in stage.alice.last().plain


async def test_others_read_no_names_of_machines_below_a_refusal(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "all"\nmatch = { command = "vm.start" }\napprovals = 1\n'
    async with staged(tmp_path, policy=f"{CONFIRM_ONLY}\n{rule}") as stage:
        await with_one_off(stage)
        await stage.gives_session(stage.bob, "gpu1")
        question = await stage.asks(stage.alice, "/dbc vm start inference")
        stage.task("Ada's training run").gpus = [0, 2]
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        assert "Start inference on gpu1” failed" in stage.bob.screen().replace("*", "")
        assert "Ada's" not in stage.bob.screen()
        (told,) = [
            one for one in stage.alice.messages() if one.ephemeral and "have GPUs" in one.plain
        ]
        assert "Machines that have GPUs there: Ada's training run" in told.plain.replace("*", "")
        assert "Shut down Ada's training run" in told.buttons


async def test_others_read_no_names_of_machines_in_a_caution(tmp_path: Path) -> None:
    rule = '[[rule]]\nname = "all"\nmatch = { command = "vm.create" }\napprovals = 1\n'
    async with staged(tmp_path, policy=f"{CONFIRM_ONLY}\n{rule}") as stage:
        await with_one_off(stage)
        await stage.gives_session(stage.bob, "gpu1")
        question = await stage.asks(stage.alice, f"{CREATE}6")
        said = question.plain.replace("*", "")
        assert "1 machine that is off, with 1 GPU, cannot start again while this" in said
        assert "inference" not in said
