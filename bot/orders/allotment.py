"""Whose GPUs machines hold, where a wallet rents one node by several orders. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.model import RentalOrder


@dataclass(frozen=True, slots=True)
class Holding:
    """How many GPUs a machine holds, and the order that its node names; empty where it does not."""

    task: str
    gpus: int
    named: str


def allotted(
    order: RentalOrder, orders: Sequence[RentalOrder], held: Sequence[Holding]
) -> dict[str, int]:
    """How many of an order's GPUs each machine holds; `orders` are all of its renter on its node.

    Machines that name no order, in the order in which they come, hold what others have left free,
    of the oldest order first: nothing tells which GPUs they are, but nobody holds one twice.
    """
    found = {one.task: one.gpus for one in held if one.named == str(order.number)}
    oldest = sorted(orders, key=lambda one: (one.began, one.number))
    free = {
        one.id: len(one.gpus) - sum(it.gpus for it in held if it.named == str(one.number))
        for one in oldest
    }
    for machine in held:
        left = 0 if machine.named else machine.gpus
        for one in oldest:
            # More than is rented is held of the last one.
            takes = left if one is oldest[-1] else min(left, max(0, free[one.id]))
            free[one.id] -= takes
            left -= takes
            if one.id == order.id and takes:
                found[machine.task] = takes
    return found
