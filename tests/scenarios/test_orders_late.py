"""What was told too late, too early or of nothing: downtime, outages, short and stale orders."""

import asyncio
from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.orders import DAY, ChainStage, chained


async def test_a_node_that_lags_makes_no_countdown_late(scene: ChainStage) -> None:
    scene.rpc[0].lag = 45
    await scene.passes(minutes=1, step=30)
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=5, step=30)
    (told,) = scene.told(scene.stage.alice, f"Confirm order {rental.number}")
    assert "10 minutes left" in told
    await scene.passes(minutes=5, step=30)
    (told,) = scene.told(scene.stage.alice, f"Confirm order {rental.number}")
    assert "5 minutes left" in told


async def test_what_was_confirmed_in_an_outage_has_not_lapsed(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=5, step=30)
    scene.rpc[0].down = True
    await scene.passes(minutes=5, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=7, step=30)
    scene.rpc[0].down = False
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=1, step=15)
    assert scene.told(alice, "has lapsed") == []
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=1, step=15)
    assert len(scene.told(alice, "is confirmed. It ends")) == 2  # the countdown and its last call
    assert scene.told(alice, "Confirm order") == []


async def test_no_message_goes_on_saying_that_a_returned_order_has_lapsed(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=5, step=30)
    scene.rpc[0].down = True
    await scene.passes(minutes=5, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=7, step=30)
    scene.rpc[0].down = False
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=7, step=30)
    assert scene.told(alice, "has lapsed")
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=2, step=15)
    assert scene.told(alice, "has lapsed") == []


@pytest.mark.slow
async def test_a_short_order_is_warned_of_after_its_confirmation_and_renewal(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=600, confirmed=False)
    await scene.passes(minutes=2, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=2, step=30)
    assert len(scene.told(alice, "for gpu1 ends")) == 1
    scene.chain.relet(rental.number, 300)
    await scene.passes(minutes=35, step=30)
    assert len(scene.told(alice, "is renewed. It now ends")) == 1
    assert len(scene.told(alice, "for gpu1 ends")) == 2


@pytest.mark.slow
async def test_downtime_over_a_deadline_names_no_time_that_is_left(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=3, step=30)
    scene.rpc[0].down = True
    scene.stage.clock.advance(timedelta(hours=20))
    await scene.restart()
    await scene.passes(minutes=2, step=30)
    assert scene.told(alice, "Confirm order") == []
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 had to be confirmed by")
    assert "It may have lapsed." in told


async def test_what_is_shown_of_an_order_says_that_it_is_old(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=30)
    warning = alice.last("@dbc")
    still_shown = deepcopy(warning.message.blocks)
    scene.rpc[0].down = True
    await scene.passes(minutes=30, step=300)
    for asked in (f"order show {rental.number}", "order list"):
        shown = (await scene.stage.asks(alice, f"/dbc {asked}")).plain
        assert "the chain cannot be read)" in shown
    await scene.until(rental.end + 600)
    shown = (await scene.stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "was to end" in shown
    assert "in 0 minutes" not in shown
    (told,) = [one for one in alice.messages("@dbc") if one.ts == warning.ts]
    assert "I renew it" not in told.buttons
    told.message.blocks = still_shown
    await alice.presses("I renew it", told)
    await scene.passes(minutes=0.5, step=30)
    assert "This warning is over." in alice.last("@dbc").plain
    assert scene.told(alice, f"renews order {rental.number}") == []


async def test_what_no_node_has_listed_yet_is_not_told_to_be_nothing(scene: ChainStage) -> None:
    stage = scene.stage
    stage.node("gpu1").silent = True
    rental = scene.rents(blocks=DAY)
    await stage.asks(stage.carol, f"/dbc order watch {scene.renter}")
    await scene.restart()
    await scene.passes(minutes=10, step=60)
    (told,) = scene.told(stage.alice, f"Order {rental.number} for gpu1 ends")
    assert "No machine of it is known here." not in told
    assert "its machines lose power" in told


@pytest.mark.slow
async def test_a_warning_names_what_is_lost_once_the_node_has_listed_it(tmp_path: Path) -> None:
    async with chained(tmp_path) as scene:
        stage = scene.stage
        room = stage.ws.core.state.channel("gpu-ops").id
        (stage.data / "policy.toml").write_text(f'[orders]\nchannel = "{room}"\n')
        stage.bot.reload_policy()
        await stage.gives_session(stage.alice, "gpu1")
        stage.node("gpu1").silent = True
        rental = scene.rents(blocks=DAY)
        await scene.restart()
        await scene.passes(minutes=10, step=60)
        (told,) = scene.told(stage.alice, f"Order {rental.number} for gpu1 ends")
        await scene.restart()  # what must still be told stands in the database
        stage.node("gpu1").silent = False
        for _ in range(12):
            await scene.passes(minutes=1, step=30)
        (told,) = scene.told(stage.alice, f"Order {rental.number} for gpu1 ends")
        assert "inference (" in told
        assert "its machines lose power" not in told
        assert "inference (" in stage.alice.last("gpu-ops").plain.replace("*", "")


@pytest.mark.slow
async def test_a_warning_that_reached_nobody_is_told_once_somebody_is_there(
    tmp_path: Path,
) -> None:
    async with chained(tmp_path) as scene:
        stage = scene.stage
        await stage.asks(stage.carol, f"/dbc order watch {scene.renter}")
        rental = scene.rents(blocks=2 * DAY)
        await scene.passes(minutes=1, step=30)
        await stage.asks(stage.carol, f"/dbc order unwatch {scene.renter}")
        await scene.until(rental.end - 6 * 600 + 100)
        await stage.gives_session(stage.alice, "gpu1")
        await scene.passes(minutes=20, step=60)
        assert len(scene.told(stage.alice, f"Order {rental.number} for gpu1 ends")) == 1


@pytest.mark.slow
async def test_an_order_whose_looks_fail_by_our_fault_is_warned_of_and_reported(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=30)
    scene.rpc[0].lies[rental.number] = {"rentEnd": 2**52}
    await scene.passes(minutes=20, step=60)
    for asked in ("order list", "vm list", "vm show inference"):
        assert "went wrong" not in (await scene.stage.asks(alice, f"/dbc {asked}")).plain
    await scene.until(rental.end - 60)
    assert scene.told(alice, "for gpu1 ends")


async def test_the_price_that_was_paid_stays_exact(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    scene.chain.confirm(rental.number)
    scene.chain.avg_price = 6_000
    await scene.passes(minutes=2, step=15)
    shown = (await scene.stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "249,541.67 DBC" in shown
    assert "estimate" not in shown


@pytest.mark.slow
async def test_the_node_deletes_what_it_was_told_to_lose_and_not_earlier(scene: ChainStage) -> None:
    stage = scene.stage
    node = stage.node("gpu1")
    rental = scene.rents(blocks=600)
    node.ledger = scene.chain
    for task in node.tasks.values():
        task.rent_order = str(rental.number)
    await scene.passes(minutes=20, step=60)
    node.settle()
    await scene.until(rental.end + 60)
    assert scene.told(stage.alice, "has ended.", "inference")
    await scene.until(rental.end + 66 * 600)
    assert scene.told(stage.alice, "gpu1 deletes", "inference", at="deletion-6")
    assert node.tasks
    await scene.until(rental.end + 72 * 600 + 160)
    node.settle()
    assert not node.tasks
    assert scene.told(stage.alice, "The 72 hours after the end of order", "inference")


async def test_a_search_that_takes_long_holds_up_no_confirmation(scene: ChainStage) -> None:
    orders = scene.stage.bot._services.orders
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    scene.rpc[0].takes["rentMachine_getRentList"] = 60
    scene.stage.clock.advance(timedelta(minutes=4))
    searching = asyncio.create_task(orders.find_due())
    await scene.rpc[0].dawdles.wait()
    await orders.poll_due()
    (told,) = scene.told(scene.stage.alice, f"Confirm order {rental.number}")
    assert "10 minutes left" in told
    searching.cancel()
