"""How often the chain is read for whoever asks near a deadline, and how long that is waited for."""

import asyncio
from datetime import timedelta

import pytest

from tests.scenarios.orders import DAY, ChainStage

READS = "rentMachine_getRentOrder"
PRICES = "onlineProfile_getMachineInfo"


def reads(scene: ChainStage) -> int:
    """How often an order was read so far."""
    return [method for method, _ in scene.rpc[0].calls].count(READS)


async def test_an_open_home_and_a_list_of_machines_never_ask_the_chain(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 100)
    stage.clock.advance(timedelta(seconds=30))
    before = len(scene.rpc[0].calls)
    await alice.opens_home()
    for _ in range(6):
        await stage.bot.edge.homes.refresh()
        await stage.quiet()
        stage.clock.advance(timedelta(seconds=5))
    assert f"Order {rental.number}" in (await alice.sees_home("Order")).plain.replace("*", "")
    shown = (await stage.asks(alice, "/dbc vm list")).plain
    assert f"Order {rental.number}" in shown.replace("*", "")
    assert len(scene.rpc[0].calls) == before


@pytest.mark.slow
async def test_orders_are_read_side_by_side_within_one_limit(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rentals = [scene.rents(blocks=DAY, gpus=1) for _ in range(3)]
    await scene.passes(minutes=10, step=60)
    await scene.until(rentals[0].end - 100)
    stage.clock.advance(timedelta(seconds=30))
    before = reads(scene)
    scene.rpc[0].takes[READS] = 60
    await alice.types("/dbc order list")
    async with asyncio.timeout(20):
        while reads(scene) < before + 3:  # noqa: ASYNC110 - told to nobody
            await asyncio.sleep(0)
    stage.clock.advance(timedelta(seconds=4))
    await stage.quiet()
    shown = alice.last().plain
    assert all(str(one.number) in shown for one in rentals)
    assert "the chain cannot be read)" in shown


async def test_all_who_ask_of_an_order_share_one_read(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 100)
    stage.clock.advance(timedelta(seconds=30))
    await stage.asks(alice, "/dbc order list")
    before = reads(scene)
    await stage.asks(alice, "/dbc order list")
    await stage.asks(alice, f"/dbc order show {rental.number}")
    await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert reads(scene) == before
    stage.clock.advance(timedelta(seconds=5))
    await stage.asks(alice, "/dbc order list")
    assert reads(scene) == before + 2  # in the final and in the newest block


async def test_prices_are_waited_for_no_longer_than_an_order(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rentals = [scene.rents(name, gpus=1) for name in ("gpu1", "gpu2")]
    await stage.gives_session(alice, "gpu2")
    await scene.passes(minutes=10, step=60)
    assert "USD a day" in (await stage.asks(alice, "/dbc order list")).plain
    scene.rpc[0].takes[PRICES] = 60
    await alice.types("/dbc order list")
    await scene.rpc[0].dawdles.wait()
    stage.clock.advance(timedelta(seconds=4))
    async with asyncio.timeout(12):  # the request itself is given up after 15 s
        await stage.quiet()
    shown = alice.last().plain
    assert all(str(one.number) in shown for one in rentals)
    assert "USD a day" not in shown
