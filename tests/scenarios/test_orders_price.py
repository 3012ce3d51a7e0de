"""What an order costs stands where somebody decides on it: to renew, to confirm, to build on it."""

from datetime import timedelta

import pytest

from tests.scenarios.orders import DAY, LOOKS, ChainStage

DAILY = "299.45 USD · 24,954.17 DBC"
CREATE = "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1"


@pytest.mark.slow
async def test_a_warning_and_a_creation_say_what_renewing_costs(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    (told,) = scene.told(alice, "for gpu1 ends", at="end-24")
    costs = (
        f"At the present price, renewing costs {DAILY} a day; 598.90 USD · 49,908.33 DBC for "
        "48 hours, as long as it was paid for last."
    )
    assert costs in told
    question = await stage.asks(alice, CREATE)
    assert costs in question.plain.replace("*", "")
    shown = await stage.asks(alice, f"/dbc order show {rental.number}")
    assert costs in shown.plain
    scene.rpc[0].down = True
    await scene.until(rental.end - 6 * 600)
    (told,) = scene.told(alice, "for gpu1 ends", at="end-6")
    assert "renewing costs" not in told  # nobody knows it now


@pytest.mark.slow
async def test_what_waits_for_its_confirmation_says_what_it_costs_and_what_is_lost(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.chain.fee = 12_500_000_000_000_000
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    (told,) = scene.told(alice, f"Confirm order {rental.number}")
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    for said in (told, shown):
        assert "Price: 2,994.50 USD · 249,541.67 DBC (USD is an estimate) for 10 days." in said
        assert "Without a confirmation the order lapses." in said
        assert "the order number and the 12.50 DBC fee; the rest of" in said
    await scene.passes(minutes=17, step=30)
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain.replace("*", "")
    assert f"Order {rental.number} for gpu1 has lapsed (nobody confirmed it in time)." in shown
    assert "The renter loses the 12.50 DBC fee. The rest of the price is released." in shown
    assert [one for one in scene.told(alice, "has lapsed") if "the 12.50 DBC fee" in one]
    assert "Paid" not in shown
    assert "the chain cannot be read" not in shown


async def test_a_confirmation_and_a_renewal_say_what_was_paid(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=3, step=15)
    (told,) = scene.told(alice, "is confirmed. It ends")
    assert "Paid: 2,994.50 USD · 249,541.67 DBC." in told
    scene.chain.relet(rental.number, 2 * DAY)
    await scene.passes(minutes=20, step=60)
    (told,) = scene.told(alice, "is renewed. It now ends")
    assert "Paid: 598.90 USD · 49,908.33 DBC." in told
    # Whether the price of a block moved before or after a payment in it, nobody can tell.
    scene.chain.relet(rental.number, DAY)
    scene.chain.avg_price = 6_000
    await scene.passes(minutes=20, step=60)
    (told,) = scene.told(alice, "is renewed. It now ends", "(estimate)")
    assert "Paid: 299.45 USD · 49,908.33 DBC (estimate)." in told


async def test_after_a_renewal_its_own_length_is_what_was_paid_for_last(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=3600)
    await scene.until(rental.end - 10)
    scene.chain.relet(rental.number, 600)
    for _ in range(12):  # the books are kept later
        stage.clock.advance(timedelta(seconds=5))
        for job in stage.bot._ticker._jobs:
            if job.name in LOOKS | {"outbox"}:
                await job.run()
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    (told,) = scene.told(alice, "for gpu1 ends", "12.48 USD", at="end-1")
    for said in (told, shown):
        assert "12.48 USD · 1,039.76 DBC for 60 minutes, as long as it was paid for last." in said
    await stage.bot.tick()
    again = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "for 60 minutes, as long as it was paid for last." in again


async def test_what_was_paid_stays_once_the_machines_are_read(scene: ChainStage) -> None:
    alice, node = scene.stage.alice, scene.stage.node("gpu1")
    node.silent = True
    await scene.restart()
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=3, step=15)
    (told,) = scene.told(alice, "is confirmed. It ends")
    assert "Paid: " in told
    node.silent = False
    for _ in range(12):
        await scene.passes(minutes=1, step=30)
    (told,) = scene.told(alice, "is confirmed. It ends")
    assert "Paid: " in told
