"""Two pallets of the chain count orders by themselves: each fact is told once, of the right one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.orders import DAY, ChainStage, chained


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1", "gpu2")
        yield one


@pytest.mark.slow
async def test_an_order_that_both_pallets_tell_of_is_one(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.rpc[0].pallets = ("rentMachine", "terminatingRental")
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    assert len(scene.told(alice, "for gpu1 ends", at="end-24")) == 1
    for line, once in (
        ("order list", "1287"),
        ("vm list", "Order 1287 for"),
        ("node orders gpu1", "1287"),
    ):
        shown = (await stage.asks(alice, f"/dbc {line}")).plain
        assert shown.count(once) == 1, line
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "rentMachine.reletMachine" in shown
    assert "terminatingRental" not in shown


async def test_of_two_living_orders_of_one_number_both_are_shown_each_with_its_own(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    older = scene.older()
    rental = scene.rents("gpu1", blocks=2 * DAY)
    other = older.rent(scene.renter, stage.node("gpu2").node_id, None, DAY)
    older.confirm(other.number)
    assert other.number == rental.number
    await scene.passes(minutes=5, step=60)
    shown = await stage.asks(alice, f"/dbc order show {rental.number}")
    said = shown.plain.replace("*", "")
    first = said.index(f"Order {rental.number} for gpu2 ends")  # it ends first
    second = said.index(f"Order {rental.number} for gpu1 ends")
    assert first < said.index("terminatingRental.reletMachine") < second
    assert second < said.index("rentMachine.reletMachine")
    assert shown.buttons.count("I renew it") == 2
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "No machine of order 1287 for gpu2 is known here." in rescue.plain.replace("*", "")
    assert "Copy what you need from gpu1" in rescue.plain.replace("*", "")
    await alice.presses("I renew it", shown)
    await stage.quiet()
    await scene.passes(minutes=1, step=30)
    assert scene.told(alice, "renews order", "gpu2")
    assert scene.told(alice, "renews order", "gpu1") == []
