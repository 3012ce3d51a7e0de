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


async def test_of_more_orders_than_a_node_lists_none_is_trusted(scene: ChainStage) -> None:
    """Of what it lists some is missing, ends are those of long ago, and most are others' orders."""
    node, chain = scene.stage.node("gpu1"), scene.chain
    await scene.stage.gives_session(scene.stage.alice, "gpu1")
    node.chain.orders.clear()
    chain.number_next(1_010)
    stale = scene.rents(gpus=2, blocks=2 * DAY)
    chain.number_next(9_999)
    left_out = scene.rents(gpus=1, blocks=3 * DAY)
    node.look_at_rentals(chain)
    stranger = Wallet.from_seed("a stranger").address
    for number in [*range(1_000, 1_010), *range(1_011, 1_070)]:
        node.rent(stranger, gpus=[0], order=str(number))
    for order in node.chain.orders.values():
        order.rent_end = chain.blocks.head - 300
    await scene.passes(minutes=10, step=60)
    said = await listed(scene)
    await listed(scene, f"{LIST} --json")
    (file,) = [file for seen in scene.stage.alice.messages() for file in seen.files]
    rows = json.loads(file.content or "")
    by_chain = {row["id"]: row for row in rows if row["said_by"] == "chain"}
    claims = [row for row in rows if row["said_by"] == "node"]
    assert by_chain.keys() == {str(stale.number), str(left_out.number)}
    assert by_chain[str(stale.number)]["end_block"] == stale.end
    assert len(claims) == 50  # and the one with the wrong end: it lists 51
    assert "1 to 10 of 52" in said
    assert f"order {stale.number} " in said
    assert "A node never notices that an order has ended." in said
    marked = [line for line in said.splitlines() if stranger in line]
    assert marked
    assert all(CLAIM in line and "until block" not in line for line in marked)
    assert not scene.told(scene.stage.alice, "ended")
