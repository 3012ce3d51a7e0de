"""While the chain cannot be read over a deadline, what follows is told in time all the same."""

from datetime import timedelta

import pytest

from tests.scenarios.machines import off
from tests.scenarios.orders import ChainStage


@pytest.mark.slow
async def test_a_deletion_is_told_where_nobody_could_read_the_end(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.until(rental.end - 100, step=60)
    scene.rpc[0].down = True
    await scene.until(rental.end + 49 * 600)
    (day,) = scene.told(alice, "gpu1 deletes", at="deletion-24")
    assert f"unless order {rental.number} was renewed. It was to end" in day
    assert "Ada's training run" in day
    await scene.until(rental.end + 67 * 600)
    assert len(scene.told(alice, "gpu1 deletes", at="deletion-6")) == 1
    assert len(scene.told(alice, "was to end")) == 2
    await scene.until(rental.end + 74 * 600)
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain.replace("*", "")
    assert "gpu1 may have deleted its machines since" in said
    assert "copy what you need from gpu1 before" not in said
    scene.rpc[0].down = False
    await scene.passes(minutes=30)
    assert len(scene.told(alice, "The 72 hours after the end")) == 1
    assert len(scene.told(alice, "deletes", at="deletion-6")) == 1


async def test_a_confirmation_is_not_called_for_once_its_time_is_over(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=5, step=30)
    scene.rpc[0].down = True
    await scene.passes(minutes=15, step=30)
    assert scene.told(alice, "minutes left") == []
    told = scene.told(alice, f"Order {rental.number} for gpu1 had to be confirmed by")
    assert len(told) == 2  # the countdown and its last call
    assert [one for one in alice.messages("@dbc") if "I confirm it" in one.buttons] == []
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "which has passed" in shown
    assert "confirmRent" not in shown
    scene.rpc[0].down = False
    await scene.passes(minutes=6, step=30)
    assert scene.told(alice, "had to be confirmed by") == []
    assert len(scene.told(alice, "has lapsed")) == 3


@pytest.mark.slow
async def test_a_renewal_near_the_end_is_seen_within_a_minute(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=1200)
    await scene.until(rental.end - 300, step=60)
    await scene.passes(minutes=20, step=15)
    scene.chain.relet(rental.number, 14_400)
    for _ in range(6):
        stage.clock.advance(timedelta(seconds=20))
        await stage.bot.tick()
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "minutes" not in shown.splitlines()[0]


async def test_whoever_has_taken_it_is_not_offered_that_below_an_answer(scene: ChainStage) -> None:
    alice = scene.stage.alice
    scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    await alice.presses("I confirm it", alice.last("@dbc"))
    await alice.presses("Done", alice.last("@dbc"))
    await scene.passes(minutes=4, step=15)
    (told,) = [one for one in alice.messages("@dbc") if "No confirmation of order" in one.plain]
    assert "I confirm it" not in told.buttons
    assert "Done" in told.buttons


async def test_an_end_that_machines_went_off_before_announces_no_power_cut(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    for desc in ("inference", "Ada's training run"):
        off(stage, desc)
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.until(rental.end - 20, step=60)
    await scene.passes(minutes=6, step=30)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1", "should be off by now")
    assert "within 15 minutes" not in told


async def test_an_end_that_is_told_late_switches_off_nothing_any_more(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=60)
    scene.rpc[0].down = True
    await scene.until(rental.end + 300)
    scene.rpc[0].down = False
    await scene.passes(minutes=2, step=30)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 ended", "should be off by now")
    assert "within 15 minutes" not in told
