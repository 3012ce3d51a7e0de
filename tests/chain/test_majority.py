"""No node of the chain is believed against another one, but by a majority."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.chain.errors import ChainDisagrees, ChainError
from bot.chain.heads import SLOT
from bot.chain.reader import ChainReader, ChainView, OrderRef, Pallet
from bot.reply import plain
from sandbox.chain import Chain, Rental, RpcNode
from tests.chain.test_reader import DAY, LIMITS, NODE, RENTER, Scene, scene
from tests.clocks import MachineClock, unwaited

__all__ = ["scene"]


def _rented(scene: Scene) -> tuple[Rental, OrderRef]:
    rental = scene.chain.rent(RENTER, NODE, 2, DAY)
    scene.chain.confirm(rental.number)
    scene.passes(120)
    return rental, OrderRef(Pallet.RENT, rental.number)


@pytest.mark.parametrize("backdates", [False, True])
async def test_one_of_two_that_is_ahead_is_not_believed_alone(
    scene: Scene, *, backdates: bool
) -> None:
    rental, ref = _rented(scene)
    liar = scene.nodes[0]
    liar.ahead, liar.backdates = 15, backdates
    liar.lies[rental.number] = {"rentEnd": rental.end + 60 * DAY}
    reader = scene.asks(*scene.nodes[:2])
    for _ in range(4):
        try:
            view = await reader.view()
            order = await view.order(ref, view.final)
        except ChainError:
            order = None
        assert order is None or order.rent_end == rental.end
        scene.passes(6)


async def test_what_two_of_three_say_counts_and_the_third_is_reported(scene: Scene) -> None:
    rental, ref = _rented(scene)
    scene.nodes[2].denies.add(rental.number)
    view = await scene.reader.view()
    order = await view.order(ref, view.best)
    assert order is not None
    assert order.rent_end == rental.end
    told = [plain(one) for one in scene.reader.impairments()]
    assert told == ["Node 3 of 3 of the chain contradicts the others."]
    assert await view.orders_of_machine(NODE, view.best) == [ref]
    scene.passes(301)
    assert scene.reader.impairments() == ()


async def test_an_order_that_one_of_two_has_is_found_but_not_believed(scene: Scene) -> None:
    rental, ref = _rented(scene)
    scene.nodes[1].denies.add(rental.number)
    view = await scene.asks(*scene.nodes[:2]).view()
    assert await view.orders_of_wallet(RENTER, view.best) == [ref]
    with pytest.raises(ChainDisagrees):
        await view.order(ref, view.best)
    order = await view.order_of_any(ref, view.best)
    assert order is not None
    assert len(scene.reader.impairments()) == 2


async def test_a_node_of_another_network_is_outvoted(scene: Scene) -> None:
    other = Chain(scene.clock, network="another")
    scene.passes(3600)
    async with RpcNode(other) as foreign:
        view = await scene.asks(*scene.nodes[:2], foreign).view()
        assert view.newest.number == scene.chain.blocks.head
        assert foreign.url in scene.reader.faults
        with pytest.raises(ChainDisagrees):
            await scene.asks(scene.nodes[0], foreign).view()


async def test_a_jump_is_refused_for_as_long_as_it_lasts(scene: Scene) -> None:
    liar = scene.nodes[0]
    reader = scene.asks(liar)
    await reader.view()
    liar.ahead, liar.backdates, liar.pruned_behind = 2_000, True, 10_000
    for _ in range(4):
        scene.passes(6)
        with pytest.raises(ChainError):
            await reader.view()
    liar.ahead = 0
    scene.passes(6)
    await reader.view()


async def test_a_node_whose_finality_stands_still_is_left_out(scene: Scene) -> None:
    scene.nodes[2].finality_stuck_at = scene.chain.blocks.finalized
    await scene.reader.view()
    scene.passes(700)
    await scene.reader.view()
    scene.passes(6)
    view = await scene.reader.view()
    assert view.final.number == scene.chain.blocks.finalized
    assert set(scene.reader.faults) == {scene.nodes[2].url}
    scene.passes(301)
    await scene.reader.view()
    (told,) = map(plain, scene.reader.impairments())
    assert told == "Node 3 of 3 of the chain is not trusted: its finality stands still."


async def test_where_finality_stands_still_everywhere_deep_blocks_stand_for_it(
    scene: Scene,
) -> None:
    await scene.reader.view()
    for node in scene.nodes:
        node.finality_stuck_at = scene.chain.blocks.finalized
    scene.passes(3000)
    await scene.reader.view()
    scene.passes(6)
    view = await scene.reader.view()
    assert view.final.number == scene.chain.blocks.head - 100


async def test_what_a_node_lacks_that_lags_counts_as_made(scene: Scene) -> None:
    scene.nodes[0].lag = 90
    reader = scene.asks(scene.nodes[0])
    with pytest.raises(ChainError):
        await reader.view()
    scene.passes(6)
    view = await reader.view()
    assert view.newest.number == scene.chain.blocks.head - 90
    assert view.head == scene.chain.blocks.head


async def test_two_nodes_know_better_what_time_it_is_than_this_machine(scene: Scene) -> None:
    clock = MachineClock(scene.clock)
    reader = ChainReader([node.url for node in scene.nodes[:2]], clock, LIMITS)
    scene.readers.append(reader)
    await reader.view()
    clock.step(-timedelta(hours=4))
    views: list[ChainView] = []
    for _ in range(3):
        scene.passes(6)
        views.append(await reader.view())
    assert views[-1].head == scene.chain.blocks.head
    assert abs(reader.now - scene.clock.now()) <= SLOT


async def test_a_node_that_takes_long_is_not_waited_for_again(scene: Scene) -> None:
    _, ref = _rented(scene)
    scene.nodes[1].takes["rentMachine_getRentOrder"] = 60
    view = await scene.reader.view()
    for _ in range(3):
        assert await unwaited(view.order(ref, view.best)) is not None
    scene.passes(6)
    view = await scene.reader.view()
    assert await view.order(ref, view.best) is not None
    asked = [method for method, _ in scene.nodes[1].calls if method.endswith("getRentOrder")]
    assert len(asked) == 1
    scene.passes(130)
    with capture_logs() as logs:
        view = await scene.reader.view()
        assert await unwaited(view.order(ref, view.best)) is not None
    assert [one for one in logs if one["event"] == "chain.too_slow"] == []  # it was logged already
