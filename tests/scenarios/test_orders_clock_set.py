"""Somebody sets the clock of the bot's machine: what is told of an order stays when it is."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.chain import Rental
from tests.scenarios.orders import ChainStage, chained

KEPT = 72 * 600


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    """Two nodes of the chain, which together know better than the machine what time it is."""
    async with chained(tmp_path, nodes=2) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        await one.stage.asks(one.stage.alice, "/dbc vm list")
        yield one


def read(at: datetime) -> str:
    """A moment as people read it."""
    return f"|{at - timedelta(minutes=at.minute % 5):%Y-%m-%d %H:%M} UTC>"


def ends(scene: ChainStage, rental: Rental, *, later: int = 0) -> str:
    """When the order ends, or what comes so many blocks `later`."""
    return read(scene.chain.blocks.made_at(rental.end + later))


@pytest.mark.parametrize("hours", [8, -5])
async def test_a_clock_that_is_set_moves_no_end(scene: ChainStage, hours: int) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=900)
    await scene.passes(minutes=10, step=120)
    stage.machine.step(timedelta(hours=hours))
    await scene.passes(minutes=25, step=120)
    *_, told = scene.told(alice, f"Order {rental.number} for gpu1 ends", at="end-1")
    assert ends(scene, rental) in told
    for asked in (f"order show {rental.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert ends(scene, rental) in shown, asked
    told = (await stage.asks(alice, f"/dbc order show {rental.number} --json")).plain
    assert f'"read_at": "{stage.clock.now():%Y-%m-%dT%H:}' in told


async def test_a_clock_that_is_set_right_after_the_start_moves_no_deletion(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=10, step=120)
    stage.machine.step(-timedelta(hours=5))
    await scene.restart()
    await scene.until(rental.end + 50, step=60)
    stage.machine.step(timedelta(hours=5))
    stage.clock.advance(timedelta(hours=48))
    await scene.passes(minutes=20, step=300)
    (told,) = scene.told(alice, "gpu1 deletes", at="deletion-24")
    assert ends(scene, rental, later=KEPT) in told


async def test_a_clock_that_was_ahead_at_the_start_ends_no_order(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    stage.machine.step(timedelta(hours=8))  # as where a machine's own clock has the local time
    await scene.restart()
    rental = scene.rents(blocks=3600)
    await scene.passes(minutes=3, step=30)
    stage.machine.step(-timedelta(hours=8))
    await scene.passes(minutes=3, step=30)
    for asked in (f"order show {rental.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert "was to end" not in shown, asked
        assert ends(scene, rental) in shown, asked
    for node in scene.rpc:
        node.down = True
    await scene.passes(minutes=20, step=60)
    assert scene.told(alice, "gpu1 deletes") == []


async def test_a_clock_that_is_ahead_at_a_start_near_an_end_warns_of_none_that_has_passed(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=1800)
    await scene.until(rental.end - 100, step=60)
    (before,) = scene.told(alice, at="end-15m")
    stage.machine.step(timedelta(hours=3))
    await scene.restart()
    await scene.passes(minutes=4, step=10)
    assert scene.told(alice, at="end-15m") == [before]
    assert scene.told(alice, "has passed") == []
    await scene.until(rental.end + 20, step=30)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 has ended")
    assert ends(scene, rental, later=KEPT) in told


async def test_a_chain_that_stands_still_at_a_start_holds_up_no_warning(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=1800)
    await scene.until(rental.end - 400, step=60)
    scene.chain.blocks.halt()
    stage.clock.advance(timedelta(minutes=26))
    await scene.restart()
    await scene.passes(minutes=2, step=10)
    (told,) = scene.told(alice, at="end-15m")
    assert "could not be read" in told
