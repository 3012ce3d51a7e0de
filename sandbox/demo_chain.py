"""The demo's chain: one rental that has to be confirmed, and one that ends soon."""

from sandbox.chain import Chain
from sandbox.chain.blocks import Clock
from sandbox.dbc import World
from sandbox.dbc.demo import demo_renter

ENDS_IN = 3_600  # blocks, which are six hours


def demo_chain(world: World, clock: Clock) -> Chain:
    """gpu1 is rented for six hours more; the rental of gpu2 waits for its confirmation.

    Both nodes follow it: what its orders paid for is switched off and deleted after their end.
    """
    chain, renter = Chain(clock), demo_renter().address
    for node in world.nodes.values():
        chain.add_machine(node.node_id, node.gpus)
    ids = {node.name: node.node_id for node in world.nodes.values()}
    first = chain.rent(renter, ids["gpu1"], blocks=ENDS_IN)
    chain.confirm(first.number)
    chain.rent(renter, ids["gpu2"], blocks=10 * ENDS_IN)
    for task in world.node("gpu1").tasks.values():
        task.rent_order = str(first.number)
    for node in (world.node("gpu1"), world.node("gpu2")):
        node.ledger = chain
        node.look_at_rentals(chain)
    return chain
