"""Of the rentals that are over, those that are asked for: neither all, nor one too few."""

from datetime import timedelta

from bot.ids import NodeId
from bot.model import OrderPhase, RentalOrder
from storage import Store
from tests.storage.samples import NOW, order

KEPT = 43_200
HERE = {NodeId("node-1")}


async def write(store: Store, *orders: RentalOrder) -> None:
    async with store.write() as tx:
        for one in orders:
            await tx.orders.add(one)


def gone(number: int, **changes: object) -> RentalOrder:
    told: dict[str, object] = {
        "phase": OrderPhase.GONE, "began": number, "seen_at": NOW - timedelta(days=9),
        "seen_block": 9_144_000 + KEPT,
    }  # fmt: skip
    return order(number, **told | changes)


async def test_only_those_are_read_whose_machines_may_still_be_told_of(store: Store) -> None:
    await write(
        store,
        gone(1),  # an earlier one of its renter
        gone(2),  # named by a session
        gone(3, seen_at=NOW),
        gone(4, seen_block=9_144_000),  # not read after its node deletes all
        gone(5),  # its renter's last one
        gone(6, renter="5Fxx"),
        gone(7, is_only=True),
        gone(8, node="node-2"),
        order(9, phase=OrderPhase.LAPSED, began=1),
        order(10, phase=OrderPhase.VANISHED),
        order(11),
    )
    async with store.read() as tx:
        left = await tx.orders.left_on(HERE, {2}, NOW - timedelta(days=1), KEPT)
        last = await tx.orders.last_over_on(HERE, {2})
        open_ = await tx.orders.open_on(HERE)
    assert [one.number for one in left] == [2, 3, 4, 5, 6, 7, 9]
    assert [one.number for one in last] == [2, 6, 7, 10]
    assert [one.number for one in open_] == [11]
