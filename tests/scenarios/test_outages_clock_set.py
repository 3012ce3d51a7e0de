"""A clock that was ahead and is set back: nothing is told falsely, and nothing a day late."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.task import Status
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_outages import ON, goes_on, news
from tests.scenarios.test_units_of_work import statements

DAY = timedelta(days=1)


async def is_ahead(stage: Stage) -> None:
    """The machine shows tomorrow, and the bot begins by that."""
    stage.machine.step(DAY)
    await stage.restart_bot()


@asynccontextmanager
async def begun_ahead(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice has a session; the machine's clock is a day ahead, and the bot has looked around."""
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await is_ahead(stage)
        await goes_on(stage, 3)
        yield stage


async def is_set(stage: Stage) -> None:
    """Its clock is right again, and the bot begins anew."""
    stage.machine.step(-DAY)
    await stage.restart_bot()


@pytest.mark.slow
async def test_what_the_bot_does_then_is_its_own_and_what_others_do_is_not(tmp_path: Path) -> None:
    async with begun_ahead(tmp_path) as stage:
        alice = stage.alice
        await goes_on(stage, 9)
        await is_set(stage)
        await goes_on(stage, 2)
        await stage.asks(alice, "/dbc vm shutdown inference")
        await stage.confirms(alice, "Shut down")
        await goes_on(stage, 3)
        await stage.asks(alice, "/dbc vm modify inference cpu=12")
        await goes_on(stage, 15)
        assert stage.task("inference").status is Status.CLOSED
        assert stage.task("inference").cpu_cores == 12
        assert news(alice) == []
        await stage.passes(3600)
        off(stage, "Ada's training run")
        await goes_on(stage, 5)
        (message,) = news(alice)
        assert "Ada's training run is now “off”" in message


@pytest.mark.slow
async def test_a_silence_from_before_is_told_to_be_over_and_a_new_one_is_told(
    tmp_path: Path,
) -> None:
    async with begun_ahead(tmp_path) as stage:
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        (message,) = news(stage.alice)
        assert "gpu1 has not responded since" in message
        await is_set(stage)
        stage.world.faults.off()
        await goes_on(stage, 12)
        assert "gpu1 is responding again." in news(stage.alice)[-1]
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        assert len(news(stage.alice)) == 3


async def test_a_silence_that_began_just_before_is_told_soon(tmp_path: Path) -> None:
    async with begun_ahead(tmp_path) as stage:
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 4)
        assert news(stage.alice) == []
        await is_set(stage)
        await goes_on(stage, 15)
        (message,) = news(stage.alice)
        assert "gpu1 has not responded since" in message


async def test_whether_a_clock_was_ahead_is_no_read_of_its_own(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        with statements() as seen:
            await goes_on(stage, 1)
        asked = [at for at, one in enumerate(seen) if "kept_machines.suspect_at >" in one]
        assert len(asked) == 1
        assert not seen[asked[0] + 1].startswith("BEGIN")
