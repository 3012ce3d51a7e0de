"""How new rentals are found, and what is said while nobody knows whether there are any."""

from tests.scenarios.orders import ChainStage
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_orders_trust import STRANGER

NONE = "The chain has no order of your nodes and wallets."


async def test_an_order_that_cannot_be_read_is_not_told_to_be_none(scene: ChainStage) -> None:
    stage = scene.stage
    await stage.gives_session(stage.bob, "gpu2")
    rental = scene.rents()
    scene.rpc[0].lies[rental.number] = {"gpuNum": None}
    await scene.passes(minutes=2, step=60)
    said = (await stage.asks(stage.alice, "/dbc order list")).plain
    assert f"Order {rental.number} could not be read" in said
    assert NONE not in said
    assert NONE in (await stage.asks(stage.bob, "/dbc order list")).plain
    scene.rpc[0].lies.clear()
    await scene.passes(minutes=1, step=60)
    said = (await stage.asks(stage.alice, "/dbc order list")).plain
    assert str(rental.number) in said
    assert "could not be read" not in said


async def test_a_strangers_order_is_to_be_confirmed_as_soon_as_its_wallet_is_watched(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    scene.rents(gpus=1)
    rental = scene.rents(gpus=1, renter=STRANGER, confirmed=False)
    await scene.passes(minutes=1, step=30)
    await stage.carol.types(f"/dbc order watch {STRANGER}", channel=CHANNEL)
    await stage.quiet()
    await scene.passes(minutes=1, step=30)
    assert scene.told(stage.carol, f"Confirm order {rental.number} for gpu1")
