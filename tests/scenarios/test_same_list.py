"""A node that lists its machines word for word as before: nothing is missed for that."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.ids import UserId
from sandbox.dbc.task import Status, Task
from sandbox.slack import Person
from tests.scenarios.replicas import Replicas, replicas
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_broken_database import broken

__all__ = ["replicas"]  # fixtures
STEADY = 14  # looks, after which a machine is looked at every twelve seconds


async def creates(stage: Stage, person: Person, name: str) -> Task:
    """`person` has a machine created; the node takes it and gets no further."""
    line = f"/dbc vm create name={name} image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    await person.types(line, CHANNEL)
    await stage.world.calls.wait("tasks.create")
    await stage.quiet()
    stage.node("gpu2").worker.clear()
    return stage.task(name)


def comes_up(stage: Stage, task: Task) -> None:
    """The node gets there at last."""
    stage.node("gpu2").define(task)
    task.status = Status.RUNNING


async def looks(stage: Stage, times: int) -> None:
    """Let the node be asked so often."""
    for _ in range(times):
        await stage.passes(15)


async def test_a_list_that_could_not_be_stored_is_read_again(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    task = await creates(stage, stage.alice, "t1")
    await looks(stage, STEADY)
    comes_up(stage, task)
    with broken(stage, "UPDATE ON machines"):
        await looks(stage, 1)
    await looks(stage, 4)
    [end] = stage.endings(stage.alice)
    assert "t1 is running on gpu2" in end
    listed = await stage.asks(stage.alice, "/dbc vm list gpu2")
    assert "running" in listed.plain


async def test_what_a_list_shows_is_told_also_where_only_the_list_was_stored(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    task = await creates(stage, stage.alice, "t1")
    await looks(stage, STEADY)
    comes_up(stage, task)
    with broken(stage, "UPDATE OF status ON watches"):
        await looks(stage, 1)
        assert stage.endings(stage.alice) == []
    for _ in range(4):
        await stage.passes(60)
    [end] = stage.endings(stage.alice)
    assert "t1 is running on gpu2" in end


async def test_two_owners_on_one_node_each_learn_of_their_own_machine(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu2")
    first = await creates(stage, stage.alice, "t1")
    second = await creates(stage, stage.bob, "t2")
    await looks(stage, STEADY)
    comes_up(stage, second)
    await looks(stage, 2)
    assert stage.endings(stage.alice) == []
    assert ["t2 is running" in end for end in stage.endings(stage.bob)] == [True]
    comes_up(stage, first)
    await looks(stage, 2)
    assert ["t1 is running" in end for end in stage.endings(stage.alice)] == [True]
    assert len(stage.endings(stage.bob)) == 1


@pytest.mark.slow
async def test_of_replicas_that_take_turns_none_misses_a_change(replicas: Replicas) -> None:
    stage = replicas.stage
    await stage.gives_session(stage.alice, "gpu2")
    task = await creates(stage, stage.alice, "t1")
    await replicas.quiet()
    first, second, third = replicas.bots

    async def looks_by(bot: Bot) -> list[str]:
        stage.clock.advance(timedelta(seconds=15))
        await bot.tick()
        async with bot.store.read() as tx:
            return [one.status for one in await tx.inventory.machines(UserId(stage.alice.id))]

    for _ in range(STEADY):
        for bot in replicas.bots:
            await looks_by(bot)
    assert await looks_by(first) == ["creating"]
    task.status = Status.STARTING
    assert await looks_by(second) == ["starting"]
    task.status = Status.CREATING
    # It was told the very same last, which is stored no longer.
    assert await looks_by(first) == ["creating"]
    comes_up(stage, task)
    assert await looks_by(third) == ["running"]
    assert ["t1 is running" in end for end in stage.endings(stage.alice)] == [True]
    await replicas.pass_(60)
    assert len(stage.endings(stage.alice)) == 1


async def test_a_list_as_before_does_not_hide_that_a_session_is_shared_no_longer(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(stage.alice, "/dbc session share gpu2 with @bob")
    await creates(stage, stage.bob, "t1")
    await looks(stage, STEADY)
    lost = "the session is not shared with you any more"
    assert lost not in "".join(stage.endings(stage.bob))
    await stage.asks(stage.alice, "/dbc session unshare gpu2")
    await looks(stage, 2)
    assert lost in stage.endings(stage.bob)[-1]


async def test_a_list_that_cannot_be_stored_is_logged_once_and_again_once_it_could(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    await creates(stage, stage.alice, "t1")
    await looks(stage, STEADY)
    logged = []
    for _ in range(2):
        with capture_logs() as logs, broken(stage, "UPDATE ON machines"):
            await looks(stage, 3)
        logged += [entry["event"] for entry in logs if entry["event"] == "watch.glance_failed"]
        await looks(stage, 1)
    assert logged == ["watch.glance_failed"] * 2
