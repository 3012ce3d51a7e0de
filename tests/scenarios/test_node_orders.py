"""The rentals of a node: what the chain says, apart from what the node alone claims."""

import json
from datetime import timedelta

from sandbox.dbc import Wallet
from tests.scenarios.orders import DAY, ChainStage

LIST = "/dbc node orders gpu1"
CLAIM = "only the node says so, the chain does not"


async def listed(scene: ChainStage, line: str = LIST) -> str:
    return (await scene.stage.asks(scene.stage.alice, line)).plain.replace("*", "")


async def test_a_nodes_order_has_the_number_and_end_of_the_chain(scene: ChainStage) -> None:
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=10, step=30)
    said = await listed(scene)
    shown = await listed(scene, f"/dbc order show {rental.number}")
    assert f"order {rental.number}" in said
    end = shown.split(" ends ")[1].split(".\n")[0].split(", in ")[0]
    assert f"ends {end}, in " in said
    assert "99999999" not in said
    assert CLAIM not in said
    data = json.loads((await listed(scene, f"{LIST} --json")).strip("`\n"))
    assert "99999999" not in str(data)


async def test_what_only_the_node_claims_is_marked_and_has_no_date(scene: ChainStage) -> None:
    said = await listed(scene)
    assert CLAIM in said
    assert "99999999" not in said
    assert "2044" not in said
    scene.rents(blocks=DAY // 24)
    await scene.passes(minutes=2, step=30)
    assert CLAIM not in await listed(scene)
    await scene.stage.asks(scene.stage.alice, "/dbc language 中文")
    assert "还剩" in await listed(scene)


async def test_a_strangers_order_is_listed_as_the_chain_has_it(scene: ChainStage) -> None:
    rental = scene.rents(blocks=2 * DAY, renter=Wallet.from_seed("a stranger").address)
    await scene.passes(minutes=2, step=30)
    said = await listed(scene)
    assert f"order {rental.number}" in said
    assert "in 47 hours" in said
    assert CLAIM in said  # the node still has its former renter


async def test_while_the_chain_cannot_be_read_the_nodes_word_is_marked(scene: ChainStage) -> None:
    for node in scene.rpc:
        node.down = True
    scene.stage.clock.advance(timedelta(minutes=2))
    said = await listed(scene)
    assert "as the node says" in said
    assert "The chain cannot be read at present." in said
    assert "99999999" not in said
