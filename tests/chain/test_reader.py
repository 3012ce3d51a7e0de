"""The chain is read over real HTTP, from nodes that stand still, lag, lie, prune or keep silent."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.chain.errors import (
    BlockUnknown,
    ChainDisagrees,
    ChainError,
    ChainStale,
    ChainUnreachable,
)
from bot.chain.reader import ChainReader, OrderRef, Pallet
from bot.chain.rpc import ChainLimits
from bot.ids import NodeId
from sandbox.chain import Chain, RpcNode
from sandbox.dbc import ManualClock, Wallet

NODE = NodeId("58fb618aa482c41114eb3cfdaefd3ba183172da9e25251449d045043fbd37f45")
RENTER = Wallet.from_seed("a renter").address
DAY = 14_400  # blocks
LIMITS = ChainLimits(connect=timedelta(seconds=2), total=timedelta(seconds=5))


@dataclass
class Scene:
    """A chain with three nodes, and whoever reads it."""

    clock: ManualClock
    chain: Chain
    nodes: list[RpcNode]
    readers: list[ChainReader] = field(default_factory=list)

    @property
    def reader(self) -> ChainReader:
        """The newest reader."""
        return self.readers[-1]

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def asks(self, *nodes: RpcNode) -> ChainReader:
        """A reader of some of the nodes only, which knows nothing yet."""
        self.readers.append(ChainReader([node.url for node in nodes], self.clock, LIMITS))
        return self.reader


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = ManualClock()
    chain = Chain(clock)
    chain.add_machine(NODE, 4)
    clock.advance(timedelta(hours=1))
    async with AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(RpcNode(chain)) for _ in range(3)]
        one = Scene(clock, chain, nodes)
        one.asks(*nodes)
        yield one
        for reader in one.readers:
            await reader.close()


async def test_an_order_is_read_at_the_newest_and_at_the_final_block(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE, 2)
    ref = OrderRef(Pallet.RENT, rental.number)
    view = await scene.reader.view()
    assert view.best.number == scene.chain.blocks.head
    order = await view.order(ref, view.best)
    assert order is not None
    assert order.is_waiting
    assert order.stake_amount == rental.stake
    assert await view.order(ref, view.final) is None
    assert await view.orders_of_wallet(RENTER, view.best) == [ref]
    assert await view.orders_of_machine(NODE, view.best) == [ref]
    assert view.best.at == scene.chain.blocks.made_at(view.best.number)


async def test_a_head_that_stands_still_for_a_minute_is_refused(scene: Scene) -> None:
    reader = scene.asks(scene.nodes[0])
    await reader.view()
    scene.chain.blocks.halt()
    scene.passes(57)
    await reader.view()
    scene.passes(3)
    with pytest.raises(ChainStale):
        await reader.view()
    scene.chain.blocks.resume()
    scene.passes(6)
    await reader.view()


async def test_a_node_that_stood_still_before_anybody_looked_is_refused(scene: Scene) -> None:
    scene.nodes[0].stuck_at = scene.chain.blocks.head - 20
    with pytest.raises(ChainStale):
        await scene.asks(scene.nodes[0]).view()


async def test_a_node_that_lags_is_left_out(scene: Scene) -> None:
    scene.nodes[0].lag = 11
    view = await scene.reader.view()
    assert view.best.number == scene.chain.blocks.head
    assert set(scene.reader.faults) == {scene.nodes[0].url}


async def test_of_two_that_are_apart_the_blocks_of_the_lower_one_are_read(scene: Scene) -> None:
    scene.nodes[0].lag = 50
    with pytest.raises(ChainError):  # it has yet to be seen to move
        await scene.asks(scene.nodes[0]).view()
    reader = scene.asks(*scene.nodes[:2])
    view = await reader.view()
    assert view.best.number == scene.chain.blocks.head
    scene.passes(6)
    view = await reader.view()
    assert view.best.number == scene.chain.blocks.head - 50
    assert view.head == scene.chain.blocks.head


async def test_a_head_that_nobody_has_made_is_refused(scene: Scene) -> None:
    scene.nodes[0].ahead = 5_000
    view = await scene.reader.view()
    assert view.best.number == scene.chain.blocks.head
    with pytest.raises(ChainError):
        await scene.asks(scene.nodes[0]).view()


async def test_nothing_is_believed_where_the_nodes_contradict_each_other(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    scene.nodes[1].denies.add(rental.number)
    view = await scene.asks(*scene.nodes[:2]).view()
    with pytest.raises(ChainDisagrees):
        await view.order(OrderRef(Pallet.RENT, rental.number), view.best)
    scene.nodes[1].denies.clear()
    scene.nodes[1].lies[rental.number] = {"rentEnd": rental.end + 300}
    with pytest.raises(ChainDisagrees):
        await view.order(OrderRef(Pallet.RENT, rental.number), view.best)


async def test_nobody_is_believed_alone_by_naming_a_block_that_others_lack(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    ref = OrderRef(Pallet.RENT, rental.number)
    liar, honest = scene.nodes[:2]
    liar.denies.add(rental.number)
    liar.ahead = 3
    view = await scene.asks(liar, honest).view()
    assert view.newest.number == scene.chain.blocks.head + 3
    with pytest.raises(ChainDisagrees):
        await view.order(ref, view.best)
    liar.ahead, liar.invents = 0, True
    view = await scene.asks(liar, honest).view()
    for block in (view.best, view.final):
        with pytest.raises(ChainDisagrees):
            await view.order(ref, block)


@pytest.mark.parametrize("status", [302, 307, 429, 503])
async def test_a_node_that_sends_us_away_is_asked_once_and_not_believed(
    scene: Scene, status: int
) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    scene.nodes[0].status = status
    view = await scene.reader.view()
    assert set(scene.reader.faults) == {scene.nodes[0].url}
    assert scene.nodes[0].requests == 1
    assert await view.order(OrderRef(Pallet.RENT, rental.number), view.best) is not None
    with pytest.raises(ChainUnreachable) as told:
        await scene.asks(scene.nodes[0]).view()
    assert scene.nodes[0].url not in str(told.value) + told.value.why


async def test_others_are_asked_where_one_does_not_answer(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    scene.nodes[0].down = True
    scene.nodes[1].raw = b"<html>busy</html>"
    view = await scene.reader.view()
    assert await view.order(OrderRef(Pallet.RENT, rental.number), view.best) is not None
    scene.nodes[2].down = True
    scene.passes(6)
    with pytest.raises(ChainUnreachable):
        await scene.reader.view()


async def test_an_endless_answer_is_not_read_to_its_end(scene: Scene) -> None:
    header = {"number": hex(scene.chain.blocks.head), "pad": " " * LIMITS.body}
    scene.nodes[0].raw = json.dumps({"jsonrpc": "2.0", "id": 1, "result": header}).encode()
    reader = scene.asks(scene.nodes[0])
    with pytest.raises(ChainUnreachable):
        await reader.view()
    assert reader.faults == {scene.nodes[0].url: "too long"}


async def test_a_pruned_node_knows_no_old_state(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    view = await scene.reader.view()
    scene.passes(257 * 6 + 30)
    with pytest.raises(BlockUnknown):
        await view.order(OrderRef(Pallet.RENT, rental.number), view.best)


async def test_a_fork_undoes_what_was_not_final(scene: Scene) -> None:
    scene.passes(60)
    rental = scene.chain.rent(RENTER, NODE)
    ref = OrderRef(Pallet.RENT, rental.number)
    view = await scene.reader.view()
    assert await view.order(ref, view.best) is not None
    scene.chain.reorganise(2)
    scene.passes(6)
    view = await scene.reader.view()
    assert await view.order(ref, view.best) is None


async def test_prices_are_the_chains(scene: Scene) -> None:
    scene.chain.machines[NODE].extra_price = 250_000
    view = await scene.reader.view()
    prices = await view.prices(NODE)
    assert prices is not None
    rental = scene.chain.rent(RENTER, NODE, 3, 4 * 14_400)
    assert prices.planck(3, 4 * 14_400) == rental.stake
    scene.chain.avg_price = None
    prices = await view.prices(NODE)
    assert prices is not None
    assert prices.planck(3, 300) is None


async def test_what_a_price_is_made_of_is_asked_for_side_by_side(scene: Scene) -> None:
    node = scene.nodes[0]
    view = await scene.asks(node).view()
    node.calls.clear()
    node.takes["state_getStorage"] = 60
    asking = asyncio.create_task(view.prices(NODE))
    while len(node.calls) < 5 and not asking.done():  # noqa: ASYNC110 - told to nobody
        await asyncio.sleep(0.01)
    assert [method for method, _ in node.calls[1:]] == ["state_getStorage"] * 4
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_the_older_pallet_is_read_where_the_chain_has_it(scene: Scene) -> None:
    rental = scene.chain.rent(RENTER, NODE)
    for node in scene.nodes:
        node.pallets = ("rentMachine", "terminatingRental")
    view = await scene.reader.view()
    found = await view.orders_of_wallet(RENTER, view.best)
    assert found == [OrderRef(pallet, rental.number) for pallet in Pallet]


async def test_all_who_ask_meanwhile_share_one_look_at_the_heads(scene: Scene) -> None:
    node = scene.nodes[0]
    node.takes["chain_getHeader"] = 60
    reader = scene.asks(node)
    first = asyncio.create_task(reader.view())
    await node.dawdles.wait()
    others = [asyncio.create_task(reader.view()) for _ in range(5)]
    first.cancel()  # whoever waits no longer breaks it off for nobody
    found = await asyncio.gather(*others, return_exceptions=True)
    assert {type(one) for one in found} == {ChainUnreachable}
    assert [method for method, _ in node.calls] == ["chain_getHeader"]


async def test_a_head_is_not_asked_for_behind_all_orders(scene: Scene) -> None:
    node = scene.nodes[0]
    rental = scene.chain.rent(RENTER, NODE, 2)
    ref = OrderRef(Pallet.RENT, rental.number)
    reader = scene.asks(node)
    view = await reader.view()
    node.takes["rentMachine_getRentOrder"] = 60
    reads = [asyncio.create_task(view.order(ref, view.best)) for _ in range(3 * LIMITS.at_once)]
    await node.dawdles.wait()
    scene.passes(6)
    assert (await reader.view()).best.number == view.best.number + 1
    assert not any(one.done() for one in reads)
    for one in reads:
        one.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
