"""More orders than slow nodes can be asked about in time: the last warnings come all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.clocks import hurry
from tests.scenarios.orders import DAY, ChainStage, chained

READS = "rentMachine_getRentOrder"
ORDERS, AT_ONCE = 12, 10


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        one.chain.machines[one.stage.node("gpu1").node_id].gpu_num = ORDERS
        await one.stage.gives_session(one.stage.alice, "gpu1")
        yield one


def asked_of(scene: ChainStage) -> list[int]:
    """The orders that were read so far, by number."""
    return [params[0] for method, params in scene.rpc[0].calls if method == READS]


async def test_who_is_not_read_in_time_is_warned_and_is_read_first_next_time(
    scene: ChainStage,
) -> None:
    stage, node = scene.stage, scene.rpc[0]
    rentals = [scene.rents(blocks=DAY, gpus=1) for _ in range(ORDERS)]
    await scene.until(rentals[0].end - 160)
    assert not scene.told(stage.alice, at="end-15m")
    node.takes[READS] = 60
    node.calls.clear()
    stage.clock.advance(timedelta(minutes=2))
    looking = asyncio.create_task(stage.bot._services.orders.poll_due())
    while len(asked_of(scene)) < AT_ONCE:  # noqa: ASYNC110 - told to nobody
        await asyncio.sleep(0.01)
    stage.clock.advance(timedelta(seconds=15))
    await looking
    first = asked_of(scene)
    assert len(first) == AT_ONCE
    assert len(scene.told(stage.alice, "for gpu1 ends", at="end-15m")) == ORDERS
    node.takes[READS] = 5
    stage.clock.advance(timedelta(seconds=30))
    looking = asyncio.create_task(stage.bot._services.orders.poll_due())
    while len(asked_of(scene)) < 2 * AT_ONCE:  # noqa: ASYNC110 - told to nobody
        await asyncio.sleep(0.01)
    second = asked_of(scene)[AT_ONCE:]  # at once, so in any order
    assert {one.number for one in rentals} - {*first} < {*second}
    node.takes.clear()
    hurry(timedelta(seconds=5))
    await looking
    assert len(asked_of(scene)[AT_ONCE:]) == 2 * ORDERS
    assert len(scene.told(stage.alice, "for gpu1 ends", at="end-15m")) == ORDERS


async def test_heads_that_do_not_come_hold_up_no_last_warning(scene: ChainStage) -> None:
    stage, node = scene.stage, scene.rpc[0]
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    node.takes["chain_getHeader"] = 60
    node.dawdles.clear()
    stage.clock.advance(timedelta(minutes=12))
    looking = asyncio.create_task(stage.bot._services.orders.poll_due())
    await node.dawdles.wait()
    stage.clock.advance(timedelta(seconds=15))
    async with asyncio.timeout(12):  # a node itself is waited for longer
        await looking
    said = scene.told(stage.alice, f"Confirm order {rental.number}")
    assert "1 minute left" in said[-1]
    assert len(said) == 2


async def test_a_replica_that_dies_in_a_look_costs_no_last_call(scene: ChainStage) -> None:
    stage, node = scene.stage, scene.rpc[0]
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=12, step=30)
    node.takes[READS] = 60
    stage.clock.advance(timedelta(seconds=48))
    dying = asyncio.create_task(stage.bot._services.orders.poll_due())
    await node.dawdles.wait()
    dying.cancel()  # its lease stays
    with suppress(asyncio.CancelledError):
        await dying
    node.takes.clear()
    await scene.passes(minutes=1.2, step=12)
    (last,) = scene.told(stage.alice, f"Confirm order {rental.number}", at="confirm-last")
    assert "1 minute left" in last
