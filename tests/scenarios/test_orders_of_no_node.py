"""What is said of one node's orders where there are none, though another node has some."""

from pathlib import Path

from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.stage import staged


async def test_nothing_on_one_node_is_not_told_as_nothing_at_all(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.gives_session(alice, "gpu2")
    scene.rents(blocks=40 * DAY)
    await scene.passes(minutes=5, step=60)
    listed = await stage.asks(alice, "/dbc order list on gpu2")
    assert "The chain has no order of gpu2 that concerns you." in listed.plain
    cost = await stage.asks(alice, "/dbc cost on gpu2")
    assert "No rental of gpu2 that you are told of is in the books of that month." in cost.plain
    scene.rpc[0].lies[1287] = {"rentEnd": 10**9}
    await scene.passes(minutes=30)
    listed = await stage.asks(alice, "/dbc order list on gpu2")
    assert "The chain has no order of gpu2 that concerns you." in listed.plain


async def test_who_has_access_to_another_node_is_told_which_one_they_lack(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        alice = stage.alice
        await stage.gives_session(alice, "gpu1")
        listed = await stage.asks(alice, "/dbc order list on gpu2")
        assert "You have no access to gpu2 yet." in listed.plain
        assert "Ask for access" in listed.buttons
