"""Where ends are told: in the thread of their card, and what is news in the channel as well."""

import asyncio
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt, Status
from sandbox.slack import SeenMessage
from tests.scenarios.site import asked, denies, site
from tests.scenarios.stage import Stage, card, is_card

START = "/dbc vm start inference"
RUNNING = "inference is running on gpu1"


def shut_down(stage: Stage) -> None:
    """Inference is off, so that it can be started."""
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED


async def ready(stage: Stage) -> None:
    """Alice may start inference, which is off."""
    await stage.gives_session(stage.alice, "gpu1")
    shut_down(stage)


def ends(stage: Stage) -> list[SeenMessage]:
    """What was told to Alice of ends, wherever."""
    return [m for m in stage.alice.messages() if stage.alice.id in m.pings and not is_card(m.plain)]


async def test_a_good_end_stays_in_the_thread_of_its_card_and_mentions_who_asked(
    one_stage: Stage,
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, START)
    end = await one_stage.ends(one_stage.alice, RUNNING)
    assert end.thread_ts == card(one_stage.alice).ts
    assert not end.message.broadcast
    assert one_stage.alice.id in end.pings
    assert "is running" in card(one_stage.alice).plain
    assert ends(one_stage) == [end]


async def test_a_failure_is_sent_to_the_channel_as_well(one_stage: Stage) -> None:
    await ready(one_stage)
    one_stage.node("gpu1").fail("start")
    await one_stage.asks(one_stage.alice, START)
    end = await one_stage.ends(one_stage.alice, "inference")
    assert end.thread_ts == card(one_stage.alice).ts
    assert end.message.broadcast


async def test_an_end_asked_for_directly_is_in_the_thread_there(one_stage: Stage) -> None:
    await ready(one_stage)
    await one_stage.alice.types("vm start inference", "@dbc")
    await one_stage.quiet()
    end = await one_stage.ends(one_stage.alice, RUNNING)
    [shown] = [m for m in one_stage.alice.messages("@dbc") if is_card(m.plain)]
    assert end.thread_ts == shown.ts
    assert end.channel == shown.channel


async def test_without_its_card_the_end_is_told_in_the_channel(one_stage: Stage) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, START)
    shown = card(one_stage.alice)
    state = one_stage.ws.core.state
    del state.channels[shown.channel].messages[shown.ts]  # an admin deletes it
    end = await one_stage.ends(one_stage.alice, RUNNING)
    assert end.thread_ts is None
    assert end.channel == shown.channel
    await one_stage.passes(300)
    assert len(ends(one_stage)) == 1


async def test_a_denial_is_in_the_thread_of_the_question(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, "not today")
        [end] = ends(stage)
        assert end.thread_ts == question.ts
        assert not end.message.broadcast


async def test_an_end_waits_for_a_card_that_slack_does_not_take_yet(one_stage: Stage) -> None:
    await ready(one_stage)
    one_stage.ws.faults.error("internal_error", "chat.postMessage", times=4)
    await one_stage.alice.types(START)
    await one_stage.quiet()
    end = await one_stage.ends(one_stage.alice, RUNNING, within=600)
    assert end.thread_ts == card(one_stage.alice).ts
    assert ends(one_stage) == [end]


@pytest.mark.parametrize("late", [7, 45, 100])
async def test_an_end_that_slack_carries_out_late_is_in_the_thread_once(
    one_stage: Stage, late: float
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, START)
    one_stage.ws.faults.add("reset", "chat.postMessage", times=None, late=late)
    for _ in range(8):
        await one_stage.passes(5)
    for _ in range(8):
        await one_stage.passes(30)
        await one_stage.ws.caught_up()
    one_stage.ws.faults.clear()
    for _ in range(3):
        await one_stage.passes(60)
        await one_stage.ws.caught_up()
    [end] = ends(one_stage)
    assert end.thread_ts == card(one_stage.alice).ts


async def test_an_end_posted_by_a_process_that_died_is_found_in_the_thread(
    one_stage: Stage,
) -> None:
    await ready(one_stage)
    await one_stage.asks(one_stage.alice, START)
    one_stage.ws.faults.add("hang", "chat.postMessage", after_effect=True)
    ending = asyncio.ensure_future(one_stage.ends(one_stage.alice, RUNNING))
    await one_stage.ws.until(lambda: ends(one_stage))
    ending.cancel()
    await one_stage.restart_bot()
    for _ in range(6):
        await one_stage.passes(60)
    [end] = ends(one_stage)
    assert end.thread_ts == card(one_stage.alice).ts
