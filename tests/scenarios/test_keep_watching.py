"""An unknown end, looked at again on request: it keeps nobody waiting and claims nothing."""

import pytest

from sandbox.dbc.task import Status
from tests.scenarios.machines import off
from tests.scenarios.site import entries
from tests.scenarios.stage import Stage, card

KEEP = "Keep watching"
DAY = 24 * 3600
ACCEPTED = "inference on gpu1 is “running”, although the node accepted the command"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice and Bob act on one node."""
    for person in (one_stage.alice, one_stage.bob):
        await one_stage.gives_session(person, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


async def has_no_effect(stage: Stage) -> str:
    """Alice's shutdown is accepted and forgotten by the node; gives the end's `ts`."""
    await stage.asks(stage.alice, "/dbc vm shutdown inference")
    await stage.confirms(stage.alice, "Shut down")
    stage.node("gpu1").worker.clear()
    stage.task("inference").status = Status.RUNNING
    return (await stage.ends(stage.alice, ACCEPTED, within=180)).ts


async def presses(stage: Stage, ts: str) -> None:
    """Alice presses the button of the end."""
    end = next(m for m in stage.alice.messages() if m.ts == ts)
    await stage.alice.presses(KEEP, end)
    await stage.quiet()


async def ends_of(stage: Stage, command: str) -> list[str]:
    """How this command has ended, as the audit has it."""
    return [
        str(e.outcome)
        for e in await entries(stage)
        if (str(e.kind), e.command) == ("ended", command)
    ]


async def is_powered_off(stage: Stage) -> None:
    """Bob cuts the power."""
    await stage.asks(stage.bob, "/dbc vm poweroff inference")
    await stage.confirms(stage.bob, "Power off")
    await stage.ends(stage.bob, "inference is off on gpu1")


@pytest.mark.slow
async def test_it_is_refused_once_another_command_led_to_the_same(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await stage.passes(3600)
    await is_powered_off(stage)
    await presses(stage, end)
    told = await stage.alice.sees("so I cannot tell any more what comes of this one")
    assert f"<@{stage.bob.id}> sent “Power off a machine” after that" in told.plain
    await stage.passes(30, times=5)
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]


async def test_a_disk_of_a_later_request_is_not_taken_for_its_own(stage: Stage) -> None:
    off(stage)
    stage.node("gpu1").fail("attach")
    await stage.asks(stage.alice, "/dbc disk add inference 50")
    await stage.passes(3600)
    end = await stage.ends(stage.alice, "inference on gpu1 does not show the change")
    await stage.passes(DAY)
    await stage.asks(stage.bob, "/dbc disk add inference 50")
    await stage.ends(stage.bob, "inference on gpu1 has a new disk")
    await presses(stage, end.ts)
    told = await stage.alice.sees("so I cannot tell any more what comes of this one")
    assert f"<@{stage.bob.id}> sent “Add a data disk” after that" in told.plain
    await stage.passes(30, times=5)
    assert await ends_of(stage, "disk.add") == ["unknown", "done"]


@pytest.mark.slow
async def test_the_effect_of_a_command_sent_meanwhile_is_not_told_as_its_own(
    stage: Stage,
) -> None:
    end = await has_no_effect(stage)
    await presses(stage, end)
    await is_powered_off(stage)
    await stage.passes(30, times=130)
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]
    now = next(m for m in stage.alice.messages() if m.ts == end)
    assert "I looked for it until" in now.plain
    assert KEEP not in now.buttons


@pytest.mark.slow
async def test_it_keeps_nobody_waiting_and_its_end_is_told_where_it_was(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await stage.passes(DAY)
    await presses(stage, end)
    await stage.passes(1)
    assert "being looked at again" in card(stage.alice, "is being shut down").plain
    await stage.asks(stage.bob, "/dbc vm restart inference")
    await stage.confirms(stage.bob, "Restart")
    assert stage.changes() == ["tasks.shutdown", "tasks.restart"]
    await stage.ends(stage.bob, "inference was told to reboot")
    await stage.passes(30, times=130)
    now = next(m for m in stage.alice.messages() if m.ts == end)
    assert ACCEPTED in now.plain.replace("*", "")
    assert "I looked for it until" in now.plain
    assert len(stage.endings(stage.alice)) == 1
    assert await ends_of(stage, "vm.shutdown") == ["unknown"]


async def test_once_it_moves_it_is_followed_and_others_wait(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await presses(stage, end)
    stage.task("inference").status = Status.SHUTTING_DOWN
    await stage.passes(20)
    await stage.asks(stage.bob, "/dbc vm reset inference")
    assert stage.changes() == ["tasks.shutdown"]
    off(stage)
    await stage.ends(stage.alice, "inference is off on gpu1")
    assert await ends_of(stage, "vm.shutdown") == ["unknown", "done"]


async def test_pressed_twice_it_is_looked_at_once(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await presses(stage, end)
    await presses(stage, end)
    await stage.alice.sees("It is followed already, or has ended")
    async with stage.bot.store.read() as tx:
        assert len(await tx.watches.open()) == 1


async def test_without_the_session_nothing_is_promised(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await stage.erases_session(stage.alice, "gpu1")
    await presses(stage, end)
    await stage.alice.sees("The session with which it was followed was removed")
    async with stage.bot.store.read() as tx:
        assert await tx.watches.open() == []


async def test_it_can_be_let_go_again(stage: Stage) -> None:
    end = await has_no_effect(stage)
    await presses(stage, end)
    await stage.asks(stage.alice, "/dbc watch stop inference")
    now = next(m for m in stage.alice.messages() if m.ts == end)
    assert f"<@{stage.alice.id}> stopped following it" in now.plain
    await presses(stage, end)
    async with stage.bot.store.read() as tx:
        assert len(await tx.watches.open()) == 1
