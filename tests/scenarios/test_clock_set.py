"""The clock of the bot's machine is set: nothing stands still or is early, all is told once."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import NAME, asked, now, site
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.test_approval_crash import casts
from tests.scenarios.test_unknown import CREATE, is_unknown, strikes

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
STEPS = pytest.mark.parametrize("step", [HOUR, -HOUR, DAY, -DAY])
BACK = pytest.mark.parametrize("step", [-HOUR, -DAY])


@STEPS
async def test_what_is_followed_comes_to_its_end_as_if_nothing_was(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.machine.step(step)
    await stage.ends(stage.alice, "inference is running on gpu1", within=40)
    await stage.passes(600)
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


@BACK
async def test_what_is_followed_does_not_stand_still_in_the_next_process(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    strikes(stage, "dead_node", "/tasks/start")
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.machine.step(step)
    await stage.restart_bot()
    end = await stage.ends(stage.alice, "inference on gpu1 is “off”", within=180)
    assert "whether the command was carried out" in end.plain
    assert stage.changes() == ["tasks.start"]


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_what_is_in_doubt_is_waited_for_as_long_as_ever(
    one_stage: Stage, step: timedelta
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    strikes(stage, "dead_node", "/tasks/start")
    await stage.asks(stage.alice, CREATE)
    await is_unknown(stage, r"(?s)Create a machine: \*t1\*")
    stage.machine.step(step)
    await stage.passes(15, times=3)
    assert stage.endings(stage.alice) == []


@pytest.mark.parametrize("restarted", [False, True])
@BACK
async def test_a_message_that_slack_refused_for_now_is_sent_again_soon(
    one_stage: Stage, step: timedelta, restarted: bool
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.faults.ratelimit("chat.postMessage", times=None, retry_after=30)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    await stage.passes(3)
    stage.ws.faults.clear()
    stage.machine.step(step)
    if restarted:
        await stage.restart_bot()
    await stage.passes(40)
    cards = [m for m in stage.bob.messages(CHANNEL) if "inference" in m.plain]
    assert cards


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_a_question_is_open_for_as_long_as_it_was_said(
    tmp_path: Path, step: timedelta
) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.machine.step(step)
        await stage.passes(50 * 60)
        assert "Approve" in now(stage, question).buttons
        await stage.passes(60, times=20)
        assert now(stage, question).buttons == []
        stage.machine.step(-HOUR)
        await stage.passes(60)
        assert now(stage, question).buttons == []
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


@BACK
async def test_a_click_whose_process_died_is_counted_in_the_next(
    tmp_path: Path, step: timedelta
) -> None:
    async with site(tmp_path) as stage:
        await asked(stage)
        await casts(stage)
        stage.machine.step(step)
        await stage.restart_bot()
        await stage.passes(30)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        assert stage.changes() == ["tasks.delete"]


@STEPS
async def test_a_call_under_way_is_made_once(one_stage: Stage, step: timedelta) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.world.faults.on("slow", path="/tasks/start", count=1, seconds=20)
    typing = asyncio.ensure_future(stage.alice.types("/dbc vm start inference", CHANNEL))
    await stage.world.calls.wait("tasks.start")
    stage.machine.step(step)
    await stage.bot.tick()
    stage.clock.advance(timedelta(seconds=25))
    await typing
    await stage.quiet()
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_slack_is_heard_over_http_though_the_clock_is_wrong(
    tmp_path: Path, step: timedelta
) -> None:
    async with staged(tmp_path, http=True) as stage:
        stage.machine.step(step)
        await stage.asks(stage.alice, "/dbc help")
        stage.clock.advance(2 * abs(step))
        stage.machine.step(-step)
        said = await stage.asks(stage.alice, "/dbc help")
        assert "vm" in said.plain
