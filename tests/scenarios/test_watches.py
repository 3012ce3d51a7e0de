"""Following to the end: deadlines, silent nodes, many machines with one request, stopping."""

import asyncio
from datetime import timedelta

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.task import Status
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage


async def starts(stage: Stage) -> None:
    """Alice starts a machine and it is accepted."""
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")


async def test_what_is_followed_is_listed_and_can_be_let_go(stage: Stage) -> None:
    await starts(stage)
    listed = await stage.asks(stage.alice, "/dbc watch list")
    assert "*inference*" in listed.plain
    assert "gpu1" in listed.plain
    others = await stage.asks(stage.bob, "/dbc watch list")
    assert "You have no operations in progress" in others.plain
    refused = await stage.asks(stage.bob, "/dbc watch stop inference")
    assert "Nothing followed for you is called “inference”" in refused.plain

    await stage.asks(stage.alice, "/dbc watch stop inference")
    await stage.alice.sees("I no longer follow .inference.")
    await stage.alice.sees("inference.*no longer followed")
    await stage.passes(60)
    assert stage.endings(stage.alice) == []
    listed = await stage.asks(stage.alice, "/dbc watch list")
    assert "You have no operations in progress" in listed.plain


async def test_after_an_hour_it_says_what_it_knows_and_offers_to_go_on(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.asks(
        stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    )
    await stage.passes(2)
    stage.node("gpu2").worker.clear()  # the node never finishes it
    for _ in range(11):
        await stage.passes(5 * 60)
    assert stage.endings(stage.alice) == []
    await stage.passes(6 * 60)
    [end] = stage.endings(stage.alice)
    assert "t1 on gpu2 is still “creating”" in end
    assert "1 h" in end
    await stage.alice.presses("Keep watching")
    await stage.alice.sees(r"I go on following .t1")
    stage.node("gpu2").define(stage.task("t1"))
    stage.task("t1").status = Status.RUNNING
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert stage.changes() == ["tasks.create"]


async def test_a_node_that_falls_silent_is_said_once_and_left_in_peace(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await starts(stage)
    stage.node("gpu1").silent = True
    asked_before = len(stage.world.calls)
    cards: set[str] = set()
    for _ in range(30):
        await stage.passes(30)
        cards.update(m.plain for m in stage.alice.messages() if "starting" in m.plain)
    assert len([c for c in cards if "the node has not answered since" in c]) == 1
    assert stage.endings(stage.alice) == []
    to_node = [c for c in list(stage.world.calls)[asked_before:] if c.node_name == "gpu1"]
    assert len(to_node) <= 12  # in a quarter of an hour
    stage.node("gpu1").silent = False
    await stage.ends(stage.alice, "inference is running on gpu1", within=600)
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


async def test_a_node_that_comes_back_is_said(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    card = await stage.asks(
        stage.alice, "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"
    )
    await stage.passes(2)
    stage.node("gpu2").worker.clear()
    stage.node("gpu2").silent = True
    await stage.passes(5)
    now = next(m for m in stage.alice.messages() if m.ts == card.ts)
    assert "the node has not answered since" in now.plain
    stage.node("gpu2").silent = False
    await stage.passes(60)
    await stage.passes(60)
    now = next(m for m in stage.alice.messages() if m.ts == card.ts)
    assert "the node says: `creating`" in now.plain


async def test_an_hour_of_silence_ends_as_unknown(one_stage: Stage) -> None:
    await starts(one_stage)
    one_stage.node("gpu1").silent = True
    await one_stage.passes(30)
    for _ in range(4):
        await one_stage.passes(16 * 60)
    [end] = one_stage.endings(one_stage.alice)
    assert "inference on gpu1 could not be looked at in time" in end
    assert "Keep watching" in end


@pytest.mark.parametrize("machines", [1, 3])
async def test_machines_of_one_person_on_one_node_are_looked_at_with_one_request(
    one_stage: Stage, machines: int
) -> None:
    stage = one_stage
    names = [f"box-{number}" for number in range(machines)]
    for number, name in enumerate(names):
        stage.node("gpu1").running_task(demo_renter(), desc=name, vnc_port=5990 + number)
        off(stage, name)
    await stage.gives_session(stage.alice, "gpu1")
    for name in names:
        await stage.asks(stage.alice, f"/dbc vm start {name}")
    stage.node("gpu1").worker.clear()  # they stay “starting”
    await stage.passes(60)
    before = len(stage.world.calls.of("tasks.list"))
    await stage.passes(15)
    # One for all that is followed, one for the inventory.
    assert len(stage.world.calls.of("tasks.list")) - before <= 2


async def test_a_removed_session_ends_the_looking(one_stage: Stage) -> None:
    await starts(one_stage)
    await one_stage.erases_session(one_stage.alice, "gpu1")
    await one_stage.passes(3)
    [end] = one_stage.endings(one_stage.alice)
    assert "inference on gpu1 can no longer be looked at: the session was removed" in end


async def test_an_ended_rental_ends_the_looking(one_stage: Stage) -> None:
    await starts(one_stage)
    one_stage.node("gpu1").end_rental()
    await one_stage.passes(3)
    assert one_stage.endings(one_stage.alice) == []
    assert "I check again until" in one_stage.alice.screen()
    for _ in range(5):
        await one_stage.passes(60)
    [end] = one_stage.endings(one_stage.alice)
    assert "can no longer be looked at" in end


async def test_a_restarted_bot_follows_on(stage: Stage) -> None:
    await starts(stage)
    await stage.restart_bot(http=bool(stage.bot.edge.port))
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(stage.alice)) == 1


async def test_what_waits_for_its_turn_to_write_waits_once(stage: Stage) -> None:
    await starts(stage)
    stage.clock.advance(timedelta(seconds=30))
    poll = next(job.run for job in stage.bot._ticker._jobs if job.name == "watches")
    async with stage.bot.store.write():
        polls = {asyncio.ensure_future(poll()) for _ in range(3)}
        while len(polls) > 1:
            done, polls = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED, timeout=20)
            assert done
    await asyncio.wait(polls)
    await stage.ends(stage.alice, "inference is running on gpu1")
