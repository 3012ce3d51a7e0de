"""Carried out long after its answer was given up: said to be unknown, looked for, told once."""

import pytest

from sandbox.dbc.task import Libvirt
from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage, card
from tests.scenarios.test_create import CREATE

LOOKING = "It may still be carried out. I look for it until"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on two nodes."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


def late(stage: Stage, path: str, seconds: float) -> None:
    """The next request on this path gets no answer and is carried out so much later."""
    stage.world.faults.on("late", path=path, count=1, seconds=seconds)


async def passes_slowly(stage: Stage, minutes: float) -> None:
    """Let time pass, looked at every half minute."""
    await stage.passes(30, times=int(minutes * 2))


async def test_a_creation_that_arrives_late_is_unknown_first_and_then_told_once(
    stage: Stage,
) -> None:
    late(stage, "/tasks/start", 145)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    unknown = await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    assert unknown.plain.startswith(":grey_question:")
    assert LOOKING in unknown.plain
    assert LOOKING in card(stage.bob).plain
    await stage.ends(stage.alice, "t1 is running on gpu2", within=180)
    await passes_slowly(stage, 5)
    assert len(stage.endings(stage.alice)) == 2
    assert "t1 is running" in card(stage.bob).plain.replace("*", "")
    assert stage.changes() == ["tasks.create"]


async def test_a_creation_that_arrives_late_and_fails_is_told_with_why(stage: Stage) -> None:
    stage.node("gpu2").fail("create", "no_lease")
    late(stage, "/tasks/start", 145)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    end = await stage.ends(stage.alice, "t1 on gpu2 is in state “create error”", within=300)
    assert end.plain.startswith(":x:")
    assert "process_create_task: " in end.plain


async def test_what_never_arrives_is_looked_for_less_and_less_and_the_end_is_said(
    stage: Stage,
) -> None:
    stage.world.faults.on("reset_before", path="/tasks/start", count=1)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    unknown = await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    async with stage.bot.store.read() as tx:
        [watch] = await tx.watches.open()
    assert (watch.deadline_at - watch.started_at).total_seconds() == 3600
    await passes_slowly(stage, 50)
    async with stage.bot.store.read() as tx:
        [watch] = await tx.watches.open()
    assert (watch.next_poll_at - stage.clock.now()).total_seconds() > 100
    await passes_slowly(stage, 15)
    assert len(stage.endings(stage.alice)) == 1
    now = next(m for m in stage.alice.messages() if m.ts == unknown.ts)
    assert "I looked for it until" in now.plain
    assert "t1 on gpu2 does not exist so far" in now.plain.replace("*", "")
    assert "I looked for it until" in card(stage.bob).plain
    assert now.buttons == ["Keep watching"]
    async with stage.bot.store.read() as tx:
        assert await tx.watches.open() == []
    assert stage.changes() == ["tasks.create"]


@pytest.mark.slow
async def test_looking_on_survives_a_restart_of_the_bot(stage: Stage) -> None:
    late(stage, "/tasks/start", 400)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    await stage.restart_bot()
    await stage.ends(stage.alice, "t1 is running on gpu2", within=600)
    assert len(stage.endings(stage.alice)) == 2


async def test_asked_to_keep_watching_it_looks_closely_and_tells_the_arrival_once(
    stage: Stage,
) -> None:
    late(stage, "/tasks/start", 400)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    unknown = await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    await stage.alice.presses("Keep watching", unknown)
    await stage.quiet()
    async with stage.bot.store.read() as tx:
        assert len(await tx.watches.open()) == 1
    await stage.ends(stage.alice, "t1 is running on gpu2", within=600)
    told = [end for end in stage.endings(stage.alice) if "is running" in end]
    assert len(told) == 1


async def test_a_silent_node_does_not_touch_what_was_told(stage: Stage) -> None:
    late(stage, "/tasks/start", 400)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    said = card(stage.bob).plain
    stage.node("gpu2").silent = True
    await passes_slowly(stage, 3)
    assert card(stage.bob).plain == said
    stage.node("gpu2").silent = False
    await stage.ends(stage.alice, "t1 is running on gpu2", within=900)


@pytest.mark.parametrize(
    ("line", "path", "unknown", "told"),
    [
        ("vm start inference", "/tasks/start", "inference on gpu1 is “off”", "is running"),
        ("vm shutdown inference", "/tasks/shutdown", "inference on gpu1 is “running”", "is off"),
        ("vm delete inference", "/tasks/delete", "inference on gpu1 is “running”", "is deleted"),
    ],
)
async def test_every_command_that_gets_no_answer_is_looked_for(
    stage: Stage, line: str, path: str, unknown: str, told: str
) -> None:
    if "start" in line:
        off(stage)
    late(stage, path, 200)
    await stage.asks(stage.alice, f"/dbc {line}")
    if "start" not in line:
        await stage.confirms(stage.alice, "inference")
    first = await stage.ends(stage.alice, unknown, within=180)
    assert LOOKING in first.plain
    await stage.ends(stage.alice, f"inference {told} on gpu1", within=300)
    assert len(stage.endings(stage.alice)) == 2


async def test_a_newer_command_ends_the_looking_for_an_older_one(stage: Stage) -> None:
    off(stage)
    stage.world.faults.on("reset_before", path="/tasks/start", count=1)
    await stage.asks(stage.alice, "/dbc vm start inference")
    unknown = await stage.ends(stage.alice, "inference on gpu1 is “off”", within=180)
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.alice.presses("Run it anyway")
    await stage.quiet()
    await stage.ends(stage.alice, "inference is running on gpu1")
    await passes_slowly(stage, 10)
    now = next(m for m in stage.alice.messages() if m.ts == unknown.ts)
    assert "A newer command was sent, so I no longer look for this one." in now.plain
    assert now.buttons == ["Show logs", "Show", "More …"]
    assert len(stage.endings(stage.alice)) == 2


async def test_looking_can_be_stopped(stage: Stage) -> None:
    late(stage, "/tasks/start", 400)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    unknown = await stage.ends(stage.alice, "t1 on gpu2 does not exist so far", within=140)
    await stage.asks(stage.alice, "/dbc watch stop t1")
    await stage.alice.sees("I no longer follow .t1.")
    now = next(m for m in stage.alice.messages() if m.ts == unknown.ts)
    assert f"<@{stage.alice.id}> stopped following it." in now.plain
    await passes_slowly(stage, 10)
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.slow
async def test_a_transfer_that_begins_late_is_followed_to_its_end(stage: Stage) -> None:
    late(stage, "/images/download", 200)
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu2")
    first = await stage.ends(stage.alice, f"{PYTORCH} on gpu2 is not there", within=180)
    assert LOOKING in first.plain
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu2", within=3000)


async def test_a_transfer_to_another_directory_that_got_no_answer_has_not_ended(
    stage: Stage,
) -> None:
    stage.node("gpu2").directories.add("/data2")
    stage.world.faults.on("reset_before", path="/images/download", count=1)
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} dir=/data2 on gpu2")
    end = await stage.ends(stage.alice, f"{PYTORCH} on gpu2", within=180)
    assert "is not there; the command got no clear answer" in end.plain


async def test_a_disk_that_comes_late_is_told(stage: Stage) -> None:
    off(stage)
    late(stage, "/disk/add", 200)
    await stage.asks(stage.alice, "/dbc disk add inference 50")
    first = await stage.ends(stage.alice, "inference on gpu1 does not show the change", within=180)
    assert LOOKING in first.plain
    await stage.ends(stage.alice, "inference on gpu1 has a new disk", within=300)


async def test_a_snapshot_that_comes_late_is_followed_and_does_not_hold_up_a_start(
    stage: Stage,
) -> None:
    off(stage)
    stage.world.faults.on("reset_before", path="/snapshot/create", count=1)
    await stage.asks(stage.alice, "/dbc snapshot create inference before to=hub")
    first = await stage.ends(stage.alice, "inference on gpu1 is not there", within=180)
    assert LOOKING in first.plain
    started = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "A snapshot of inference is being taken" not in started.plain
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.task("inference").libvirt is Libvirt.RUNNING
