"""What leads on from a list or an alarm: the scenes of those who press it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sandbox.slack import SeenMessage
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_machine_buttons import menu_of
from tests.scenarios.test_outages import ON, goes_on

ENDS_ONLY = "Notify me of ends only"


async def lists_a_deletion(stage: Stage) -> tuple[SeenMessage, Any, list[str]]:
    """Alice's deletion waits in the list: this, its menu, and what that offers."""
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm delete inference")
    listed = await stage.asks(stage.alice, "/dbc approval list")
    return listed, *menu_of(listed, "inference")


@asynccontextmanager
async def with_a_rental(tmp_path: Path) -> AsyncIterator[tuple[ChainStage, Any]]:
    """Alice has a session, and her rental ends within two days."""
    async with chained(tmp_path) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        rental = scene.rents(blocks=2 * DAY)
        await scene.passes(1)
        yield scene, rental


@asynccontextmanager
async def with_a_silence(tmp_path: Path) -> AsyncIterator[tuple[Stage, SeenMessage]]:
    """Alice was told that gpu1, for which she has a session, is silent."""
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        stage.node("gpu1").silent = True
        await goes_on(stage, 10)
        told = [m for m in stage.alice.messages("@dbc") if "has not responded" in m.plain]
        yield stage, told[-1]
