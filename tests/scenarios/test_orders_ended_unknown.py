"""Orders that had ended before anybody here had a session of them: only their node names them."""

from aiohttp.test_utils import TestClient, TestServer

from sandbox.chain import Rental
from sandbox.chain_control import ChainControl
from sandbox.dbc.demo import demo_renter
from sandbox.dbc.keys import Wallet
from tests.scenarios.orders import DAY, ChainStage

KEPT = 3 * DAY
ANOTHER = Wallet.from_seed("another").address


async def ended(scene: ChainStage, *, blocks: int = DAY, confirmed: bool = True) -> Rental:
    """An order of gpu2 and its machine, whose end was an hour ago; another renter is there still.

    The node looks at the chain once, soon after the order was made.
    """
    node = scene.stage.node("gpu2")
    node.ledger = scene.chain
    scene.rents("gpu2", gpus=1, renter=ANOTHER)
    rental = scene.rents("gpu2", blocks=blocks, gpus=2, confirmed=confirmed)
    node.look_at_rentals(scene.chain)
    task = node.running_task(demo_renter(), desc="nightly", gpus=[1, 2])
    task.rent_order = str(rental.number)
    await scene.passes(hours=25, step=5 * 3600)
    return rental


async def given(scene: ChainStage) -> None:
    """Bob gets the session of gpu2, and a few minutes pass."""
    await scene.stage.gives_session(scene.stage.bob, "gpu2")
    for _ in range(3):
        await scene.passes(minutes=1, step=30)


async def test_whoever_gets_a_session_late_is_told_of_the_deletion(scene: ChainStage) -> None:
    stage = scene.stage
    rental = await ended(scene)
    await given(scene)
    (told,) = scene.told(stage.bob, f"Order {rental.number} for gpu2 ended", "the node deletes")
    assert "nightly (" in told
    assert "As gpu2 says." in told
    assert f"order rescue {rental.number}" in told
    await scene.restart()
    await scene.until(rental.end + KEPT - DAY)
    (told,) = scene.told(stage.bob, "gpu2 deletes nightly", at="deletion-24")
    assert "As gpu2 says." in told
    await scene.until(rental.end + KEPT - DAY // 4)
    assert len(scene.told(stage.bob, "gpu2 deletes nightly", at="deletion-6")) == 1
    assert len(scene.told(stage.bob, f"Order {rental.number} for gpu2 ended")) == 1
    shown = (await stage.asks(stage.bob, f"/dbc order show {rental.number}")).plain
    assert f"until block {rental.end:,}" in shown
    assert "Duration" not in shown
    assert "As gpu2 says." in shown.replace("*", "")
    await stage.asks(stage.bob, "/dbc language zh")
    shown = (await stage.asks(stage.bob, f"/dbc order show {rental.number}")).plain
    assert "链上不保留已到期的订单" in shown


async def test_a_node_that_nobody_rents_any_more_names_it_as_well(scene: ChainStage) -> None:
    node = scene.stage.node("gpu2")
    node.ledger = scene.chain
    rental = scene.rents("gpu2", blocks=DAY)
    node.look_at_rentals(scene.chain)
    await scene.passes(hours=25, step=5 * 3600)
    await given(scene)
    assert scene.told(scene.stage.bob, f"Order {rental.number} for gpu2 ended", "its machines")


async def test_an_order_that_goes_on_is_not_ended_by_what_its_node_says(scene: ChainStage) -> None:
    bob = scene.stage.bob
    rental = await ended(scene, blocks=2 * DAY)
    scene.stage.node("gpu2").chain.orders[str(rental.number)].rent_end = rental.end - DAY
    await given(scene)
    assert scene.told(bob, f"{rental.number} for gpu2 ended") == []
    assert scene.told(bob, f"{rental.number} for gpu2 ends")


async def test_machines_of_a_living_order_are_not_lost_with_an_ended_one(scene: ChainStage) -> None:
    node, bob = scene.stage.node("gpu2"), scene.stage.bob
    rental = await ended(scene)
    living = scene.rents("gpu2", gpus=1)
    for task in node.tasks.values():
        task.rent_order = str(living.number)
    await given(scene)
    await scene.passes(hours=1, step=600)
    assert scene.told(bob, f"{rental.number} for gpu2") == []
    assert scene.told(bob, "gpu2 deletes") == []


async def test_a_chain_that_keeps_old_blocks_tells_what_ended_and_what_lapsed(
    scene: ChainStage,
) -> None:
    scene.rpc[0].pruned_behind = 10 * DAY
    bob, lapsed = scene.stage.bob, await ended(scene, confirmed=False)
    rental = scene.rents("gpu2", blocks=600, gpus=1)
    scene.stage.node("gpu2").look_at_rentals(scene.chain)
    scene.stage.clock.advance(scene.chain.blocks.until(rental.end + 300))
    await given(scene)
    assert scene.told(bob, f"{lapsed.number} for gpu2") == []
    (told,) = scene.told(bob, f"Order {rental.number} for gpu2")
    assert "As gpu2 says." not in told


async def test_the_demo_shows_the_warnings_of_a_deletion(scene: ChainStage) -> None:
    stage = scene.stage
    stage.node("gpu2").ledger = scene.chain
    app = ChainControl(scene.chain, scene.rpc, stage.world, demo_renter().address).application()
    async with TestClient(TestServer(app)) as http:
        asked = {"node": "gpu2", "hours": 24, "minutes": 15}
        assert (await http.post("/ended", json=asked)).status == 200
    (number,) = scene.chain.rentals
    await given(scene)
    assert scene.told(stage.bob, f"Order {number} for gpu2 ended", "the node deletes")
    assert scene.told(stage.bob, "gpu2 deletes", at="deletion-24") == []
    await scene.passes(minutes=15, step=60)
    assert scene.told(stage.bob, "gpu2 deletes", at="deletion-24")
    await scene.passes(hours=18, step=3600)
    assert scene.told(stage.bob, "gpu2 deletes", at="deletion-6")
