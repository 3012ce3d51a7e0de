"""What follows from the end of a rental is no change outside the bot: orders warn of it."""

from collections.abc import AsyncIterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.chain import Rental
from sandbox.chain.ledger import HALF_HOUR
from tests.scenarios.machines import off
from tests.scenarios.orders import ChainStage, chained
from tests.scenarios.test_outages import ON, goes_on, told


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path, policy=ON) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        yield one


async def rented_again(scene: ChainStage, *, reads: bool = True) -> Rental:
    """The order that paid for the machines has ended, and another one goes on."""
    first = scene.rents(blocks=HALF_HOUR)
    await goes_on(scene.stage, 3)
    await scene.until(first.end - 10, step=60)
    scene.rpc[0].down = not reads
    await scene.passes(minutes=3, step=60)
    again = scene.rents()
    await goes_on(scene.stage, 3)
    return again


async def test_what_the_node_switches_off_after_an_end_is_not_told(scene: ChainStage) -> None:
    await rented_again(scene)
    off(scene.stage)
    await goes_on(scene.stage, 6)
    assert told(scene.stage.alice, "Outside this bot") == []


async def test_nor_where_the_chain_could_not_be_read_since(scene: ChainStage) -> None:
    await rented_again(scene, reads=False)
    off(scene.stage)
    await goes_on(scene.stage, 6)
    assert told(scene.stage.alice, "Outside this bot") == []


@pytest.mark.slow
async def test_a_machine_of_the_order_that_goes_on_is_told(scene: ChainStage) -> None:
    again = await rented_again(scene)
    scene.stage.task("inference").rent_order = str(again.number)
    await goes_on(scene.stage, 12)  # until its details were read
    off(scene.stage)
    await goes_on(scene.stage, 6)
    (message,) = told(scene.stage.alice, "Outside this bot")
    assert "inference is now “off”" in message


@pytest.mark.slow
async def test_what_goes_off_long_after_an_end_was_not_switched_off_by_it(
    scene: ChainStage,
) -> None:
    await rented_again(scene)
    await scene.passes(hours=26, step=7200)
    await goes_on(scene.stage, 3)  # that it still runs is written down once a day
    off(scene.stage)
    await goes_on(scene.stage, 6)
    (message,) = told(scene.stage.alice, "Outside this bot")
    assert "inference is now “off”" in message


@pytest.mark.slow
async def test_what_goes_off_hours_after_an_end_is_told_at_once(scene: ChainStage) -> None:
    await rented_again(scene)
    await scene.passes(hours=3, step=1200)
    await goes_on(scene.stage, 3)
    off(scene.stage)
    await goes_on(scene.stage, 6)
    await scene.passes(hours=25, step=7200)
    await goes_on(scene.stage, 6)
    (message,) = told(scene.stage.alice, "Outside this bot")
    assert "inference is now “off”" in message


async def lapses(scene: ChainStage) -> Rental:
    """An order with a machine is never confirmed."""
    lapsed = scene.rents(confirmed=False, gpus=4)
    scene.stage.task("inference").rent_order = str(lapsed.number)
    await goes_on(scene.stage, 12)  # until its details were read
    await scene.passes(minutes=10, step=60)
    return lapsed


async def test_a_machine_of_a_lapsed_order_goes_off_by_that(scene: ChainStage) -> None:
    await lapses(scene)
    scene.rents(gpus=4)
    await goes_on(scene.stage, 3)
    off(scene.stage)
    await goes_on(scene.stage, 6)
    assert told(scene.stage.alice, "Outside this bot") == []


@pytest.mark.slow
async def test_a_machine_that_is_made_after_a_lapse_is_told(scene: ChainStage) -> None:
    await lapses(scene)
    scene.rents(gpus=4)
    await goes_on(scene.stage, 3)
    node = scene.stage.node("gpu1")
    made = deepcopy(scene.stage.task("inference"))
    made.task_id, made.desc, made.rent_order = "vmMadeLater1", "later", ""
    made.created_at = scene.stage.clock.now() + timedelta(days=1)  # as its node's clock says
    node.tasks[made.task_id] = made
    await goes_on(scene.stage, 12)
    off(scene.stage, "later")
    await goes_on(scene.stage, 6)
    (message,) = told(scene.stage.alice, "Outside this bot")
    assert "later is now “off”" in message
