"""The sandbox's chain keeps the runtime's rules: what it lets pass, nobody learns from it."""

from datetime import timedelta

import pytest

from sandbox.chain import CONFIRM_WITHIN, Chain
from sandbox.chain.ledger import MOST_AHEAD, PLANCK, ChainRefused
from sandbox.dbc import ManualClock, Wallet, World

NODE = "58fb618aa482c41114eb3cfdaefd3ba183172da9e25251449d045043fbd37f45"
RENTER = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"


@pytest.fixture
def chain(clock: ManualClock) -> Chain:
    chain = Chain(clock)
    chain.add_machine(NODE, 4)
    return chain


def _blocks(clock: ManualClock, count: int) -> None:
    clock.advance(timedelta(seconds=6 * count))


def test_an_order_lapses_with_the_150th_block(clock: ManualClock, chain: Chain) -> None:
    rental = chain.rent(RENTER, NODE)
    _blocks(clock, CONFIRM_WITHIN - 1)
    assert chain.rental(rental.number, chain.blocks.head) is not None
    _blocks(clock, 1)
    assert chain.rental(rental.number, chain.blocks.head) is None


def test_the_price_is_older_than_the_first_block_here(chain: Chain) -> None:
    first = chain.blocks.genesis
    assert chain.avg_price_at(first - 1) == chain.avg_price_at(first) == chain.avg_price
    assert chain.avg_price_at(-1) is None  # no state at all, as a node says of it


def test_it_can_be_confirmed_within_that_block(clock: ManualClock, chain: Chain) -> None:
    rental = chain.rent(RENTER, NODE)
    _blocks(clock, CONFIRM_WITHIN)
    chain.confirm(rental.number)
    assert chain.rental(rental.number, chain.blocks.head) is rental
    late = chain.rent(RENTER, NODE, 0)
    _blocks(clock, CONFIRM_WITHIN + 1)
    with pytest.raises(ChainRefused):
        chain.confirm(late.number)


def test_the_end_counts_from_the_rent_and_the_order_is_gone_then(
    clock: ManualClock, chain: Chain
) -> None:
    rental = chain.rent(RENTER, NODE, blocks=600)
    _blocks(clock, 100)
    chain.confirm(rental.number)
    assert rental.end == rental.start + 600
    _blocks(clock, 499)
    assert chain.rental(rental.number, chain.blocks.head) is rental
    _blocks(clock, 1)
    assert chain.rental(rental.number, chain.blocks.head) is None
    with pytest.raises(ChainRefused):
        chain.relet(rental.number, 300)


def test_a_relet_adds_at_most_to_sixty_days(chain: Chain) -> None:
    rental = chain.rent(RENTER, NODE, blocks=59 * 14_400)
    with pytest.raises(ChainRefused):
        chain.relet(rental.number, 300)
    chain.confirm(rental.number)
    chain.relet(rental.number, 14_400)
    assert rental.end == rental.start + MOST_AHEAD
    chain.relet(rental.number, 14_400)
    assert rental.end == rental.start + MOST_AHEAD
    assert len(rental.paid) == 2


def test_gpus_are_rented_once(chain: Chain) -> None:
    assert chain.rent(RENTER, NODE, 3).gpus == [0, 1, 2]
    with pytest.raises(ChainRefused):
        chain.rent(RENTER, NODE, 2)
    assert chain.rent(RENTER, NODE, 1).gpus == [3]


def test_prices_are_cut_as_the_pallet_cuts(chain: Chain) -> None:
    machine = chain.machines[NODE]
    assert chain.price(machine, 4, 144_000) == 249_541_666_666_666_666_666
    assert chain.price(machine, 2, 14_400) == 12_477_083_333_333_333_333
    assert chain.price(machine, 4, 14_400) // PLANCK == 24_954


def test_blocks_come_more_slowly_with_empty_slots_and_not_at_all_in_a_halt(
    clock: ManualClock, chain: Chain
) -> None:
    blocks = chain.blocks
    _blocks(clock, 10)
    assert blocks.head == blocks.genesis + 10
    blocks.empty_slots(0.5)
    _blocks(clock, 10)
    assert blocks.head == blocks.genesis + 15
    blocks.halt()
    _blocks(clock, 1000)
    assert blocks.head == blocks.genesis + 15
    blocks.resume()
    _blocks(clock, 10)
    assert blocks.head == blocks.genesis + 25
    assert blocks.made_at(blocks.head) == clock.now()


def test_no_fork_undoes_what_is_final(clock: ManualClock, chain: Chain) -> None:
    _blocks(clock, 100)
    rental = chain.rent(RENTER, NODE)
    before = chain.blocks.hash_of(chain.blocks.head)
    with pytest.raises(ValueError, match="final"):
        chain.reorganise(5)
    chain.reorganise(2)
    assert chain.rental(rental.number, chain.blocks.head) is None
    assert chain.blocks.hash_of(chain.blocks.head) != before


def test_a_node_follows_the_chain_but_never_learns_of_an_end(clock: ManualClock) -> None:
    world, renter = World(clock), Wallet.from_seed("a renter")
    node = world.add_node("gpu1", gpus=4)
    chain = Chain(clock)
    chain.add_machine(node.node_id, 4)
    rental = chain.rent(renter.address, node.node_id, blocks=600)
    chain.confirm(rental.number)
    node.ledger = chain
    task = node.running_task(renter, desc="inference", gpus=[0])
    task.rent_order = str(rental.number)
    clock.advance(timedelta(minutes=45))
    node.settle()
    assert task.is_running
    clock.advance(timedelta(minutes=30))
    node.settle()
    assert not task.is_running
    assert node.chain.orders[str(rental.number)].is_active  # as it was read last
    chain.confirm(chain.rent(renter.address, node.node_id, blocks=30 * 14_400).number)
    clock.advance(timedelta(hours=71))
    node.settle()
    assert task.task_id in node.tasks
    clock.advance(timedelta(hours=1))
    node.settle()
    assert task.task_id not in node.tasks  # though its renter has rented again
