"""A change without an answer, and another one of the same machine that leads to the same state."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.task import Status
from sandbox.dbc.worker import Durations
from tests.scenarios.site import entries
from tests.scenarios.stage import CONFIRM_ONLY, Stage, staged

UNKNOWN = "inference on gpu1 is “{}”; it is unknown whether the command was carried out"
LATE = 400


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice and Bob act on one node; what changes outside the bot is told."""
    async with staged(tmp_path, policy=CONFIRM_ONLY + "[outages]\n") as one:
        for person in (one.alice, one.bob):
            await one.gives_session(person, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        yield one


async def is_lost(stage: Stage, fault: str, seconds: float = 0) -> None:
    """Alice's shutdown gets no answer; with `late` it is carried out so much later."""
    stage.world.faults.on(fault, path="/tasks/shutdown", count=1, seconds=seconds)
    await stage.alice.types("/dbc vm shutdown inference", "gpu-ops")
    await stage.quiet()
    await stage.alice.presses("Confirm", await stage.alice.sees("Shut down"))
    if fault == "late":
        await stage.goes_unanswered("tasks.shutdown")
    await stage.quiet()
    await stage.passes(5)


async def is_powered_off(stage: Stage) -> None:
    """Bob cuts the power, which is soon told as done."""
    await stage.asks(stage.bob, "/dbc vm poweroff inference")
    await stage.confirms(stage.bob, "Power off")
    await stage.ends(stage.bob, "inference is off on gpu1")


async def is_started(stage: Stage) -> None:
    """Bob starts the machine again."""
    await stage.asks(stage.bob, "/dbc vm start inference")
    await stage.ends(stage.bob, "inference is running on gpu1")


async def ends_of(stage: Stage, command: str) -> list[str]:
    """How this command has ended, as the audit has it."""
    return [
        str(e.outcome)
        for e in await entries(stage)
        if (str(e.kind), e.command) == ("ended", command)
    ]


async def test_the_effect_of_another_command_is_not_told_as_its_own(stage: Stage) -> None:
    await is_lost(stage, "dead_node")
    await is_powered_off(stage)
    end = await stage.ends(stage.alice, UNKNOWN.format("off"), within=180)
    assert f"<@{stage.bob.id}> sent “Power off a machine” after that" in end.plain
    await stage.passes(30, times=130)
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]
    assert await ends_of(stage, "vm.poweroff") == ["done"]
    now = next(m for m in stage.alice.messages() if m.ts == end.ts)
    assert "I looked for it until" in now.plain


@pytest.mark.slow
async def test_what_arrives_after_another_command_is_told_and_was_not_done_outside(
    stage: Stage,
) -> None:
    await is_lost(stage, "late", LATE)
    await is_powered_off(stage)
    await is_started(stage)
    await stage.ends(stage.alice, UNKNOWN.format("running"), within=180)
    end = await stage.ends(stage.alice, "inference is off on gpu1", within=500)
    assert f"Meanwhile <@{stage.bob.id}> sent “Start a machine”" in end.plain
    await stage.passes(60, times=10)
    assert stage.task("inference").status is Status.CLOSED
    assert await ends_of(stage, "vm.shutdown") == ["unknown", "done"]
    assert not [m for m in stage.alice.messages() if "Outside this bot" in m.plain]


async def test_what_is_looked_for_already_is_so_after_another_command(stage: Stage) -> None:
    await is_lost(stage, "late", LATE)
    await stage.ends(stage.alice, UNKNOWN.format("running"), within=180)
    await is_powered_off(stage)
    await stage.passes(20, times=3)
    assert len(stage.endings(stage.alice)) == 1, "Bob did that"
    await is_started(stage)
    await stage.ends(stage.alice, "inference is off on gpu1", within=500)
    assert await ends_of(stage, "vm.shutdown") == ["unknown", "done"]


@pytest.mark.slow
async def test_of_two_that_may_come_late_the_effect_is_told_of_the_later_one(
    stage: Stage,
) -> None:
    await is_lost(stage, "dead_node")
    stage.world.faults.on("late", path="/tasks/poweroff", count=1, seconds=LATE)
    await stage.bob.types("/dbc vm poweroff inference", "gpu-ops")
    await stage.quiet()
    await stage.bob.presses("Confirm", await stage.bob.sees("Power off"))
    await stage.goes_unanswered("tasks.poweroff")
    await stage.quiet()
    await stage.ends(stage.bob, "inference is off on gpu1", within=700)
    await stage.passes(60, times=70)
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]
    assert await ends_of(stage, "vm.poweroff") == ["unknown", "done"]


async def test_the_movement_of_another_command_is_not_taken_for_its_own(stage: Stage) -> None:
    await is_lost(stage, "dead_node")
    stage.node("gpu1").durations = Durations(restart=timedelta(minutes=5))
    await stage.asks(stage.bob, "/dbc vm restart inference force")
    await stage.confirms(stage.bob, "Force-restart")
    end = await stage.ends(stage.alice, UNKNOWN.format("restarting"), within=180)
    assert f"<@{stage.bob.id}> sent “Force-restart a machine” after that" in end.plain
    await stage.ends(stage.bob, "inference has restarted on gpu1", within=400)
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]
