"""The books of rentals: what is in them, whatever the chain and its nodes do meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.orders import DAY, LOOKS, ChainStage, chained
from tests.scenarios.test_cost import costs, planck


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        one.is_watched_whole = True
        yield one


def written(scene: ChainStage, query: str) -> int:
    with closing(sqlite3.connect(scene.stage.data / "bot.db")) as database:
        return int(database.execute(query).fetchone()[0])


async def run(scene: ChainStage, *names: str) -> None:
    for job in scene.stage.bot._ticker._jobs:
        if job.name in names:
            await job.run()


@pytest.mark.slow
async def test_one_price_that_cannot_be_keeps_no_other_order_from_the_books(
    scene: ChainStage,
) -> None:
    known = scene.rents(gpus=4)
    await scene.passes(minutes=20, step=300)
    scene.chain.avg_price = 2**63  # what anybody may have submitted
    odd = scene.rents(gpus=1)
    await scene.passes(minutes=50, step=300)
    told = await costs(scene, "machine")
    shown = await scene.stage.asks(scene.stage.alice, "/dbc cost")
    assert f"in no sum here: what was paid for {odd.number}." in shown.plain
    unseen = [planck(one["dbc"]) for one in told["parts"] if one["what"] == "unseen"]
    assert sum(unseen) * 10 < planck(told["dbc"])
    scene.chain.avg_price = 12_000
    await scene.passes(minutes=30, step=300)
    told = await costs(scene)
    assert told["is_complete"]
    assert {one["order"] for one in told["parts"]} == {known.number, odd.number}


async def test_what_is_reserved_beyond_reason_keeps_no_other_order_from_the_books(
    scene: ChainStage,
) -> None:
    odd = scene.rents(gpus=1, blocks=DAY, confirmed=False)  # it ends first
    known = scene.rents(gpus=4)
    scene.chain.avg_price = 10**12
    scene.rpc[0].lies[odd.number] = {"stakeAmount": str(9 * 10**27)}
    await scene.passes(minutes=6, step=30)
    (told,) = scene.told(scene.stage.alice, f"Confirm order {odd.number}")
    assert "10 minutes left" in told
    shown = await costs(scene)
    assert shown["is_complete"]
    assert [one["order"] for one in shown["parts"]] == [known.number]


@pytest.mark.slow
async def test_what_several_orders_may_pay_for_is_billed_once(scene: ChainStage) -> None:
    old, new = (scene.rents(blocks=10 * DAY, gpus=gpus) for gpus in (2, 6))
    await scene.passes(minutes=10, step=60)
    begins = await costs(scene, "machine")
    await scene.passes(1, step=600)
    told = await costs(scene, "machine")
    spent = {
        name: planck(after) - planck(before)
        for name, before, after in (
            (name, _of(begins, name), _of(told, name))
            for name in ("Ada's training run", "inference", "unused")
        )
    }
    # Two GPUs, one, and five of eight that are rented.
    whole = sum(spent.values())
    shares = {name: round(amount * 8 / whole, 1) for name, amount in spent.items()}
    assert shares == {"Ada's training run": 2.0, "inference": 1.0, "unused": 5.0}
    shown = (await scene.stage.asks(scene.stage.alice, "/dbc cost")).plain.replace("*", "")
    assert f"Order {new.number} on gpu1 has 5 GPUs that no machine uses." in shown
    assert f"Order {old.number} on gpu1 has" not in shown


def _of(told: dict[str, Any], name: str) -> str:
    (found,) = [one["dbc"] for one in told["parts"] if name in {one["machine"], one["what"]}]
    return str(found)


async def test_prices_that_take_long_keep_nobody_from_seeing_what_is_used(
    scene: ChainStage,
) -> None:
    scene.rents(gpus=4)
    await scene.passes(minutes=20, step=300)
    scene.rents(gpus=2)
    scene.stage.clock.advance(timedelta(minutes=6))
    await run(scene, *LOOKS, "inventory")
    before = written(scene, "SELECT max(ends) FROM machine_uses")
    scene.rpc[0].takes["onlineProfile_getMachineInfo"] = 60
    books = asyncio.create_task(run(scene, "books"))
    await scene.rpc[0].dawdles.wait()
    assert written(scene, "SELECT max(ends) FROM machine_uses") > before
    books.cancel()
    with suppress(asyncio.CancelledError):
        await books


@pytest.mark.slow
async def test_a_large_wallet_is_priced_in_parts(scene: ChainStage) -> None:
    await scene.stage.asks(scene.stage.bob, f"/dbc order watch {scene.renter}")
    for number in range(42):
        scene.chain.add_machine(f"{number:064x}", 1)
        scene.chain.confirm(scene.chain.rent(scene.renter, f"{number:064x}").number)
    scene.stage.clock.advance(timedelta(minutes=1))
    await run(scene, *LOOKS)
    for known in (40, 42):
        await run(scene, "books")
        assert written(scene, "SELECT count(*) FROM order_payments") == known
        scene.stage.clock.advance(timedelta(minutes=1))


async def test_what_a_fork_undid_is_not_billed_to_the_order_that_has_its_number(
    scene: ChainStage,
) -> None:
    scene.chain.blocks.finality_stuck_at = scene.chain.blocks.head
    await scene.passes(minutes=1, step=60)
    undone = scene.rents(blocks=20 * DAY)
    await scene.passes(minutes=20, step=120)
    assert written(scene, "SELECT count(*) FROM order_payments") == 1
    scene.chain.reorganise(scene.chain.blocks.head - undone.start + 1)
    scene.chain.number_next(undone.number)
    scene.stage.clock.advance(timedelta(minutes=2))
    other = scene.rents(blocks=10 * DAY, gpus=2)
    assert (other.number, other.start) != (undone.number, undone.start)
    await scene.passes(minutes=40, step=120)
    assert written(scene, "SELECT count(*) FROM order_payments") == 1
    assert written(scene, "SELECT begins FROM order_payments") == other.start
    assert written(scene, "SELECT min(begins) FROM machine_uses") >= other.start
    assert (await costs(scene))["is_complete"]
