"""Which machines are off or gone since their rental has ended, as far as that can be told."""

from collections.abc import Sequence
from datetime import timedelta

from bot.chain.heads import SLOT
from bot.ids import NodeId, TaskId
from bot.model import Machine, OrderPhase, RentalOrder
from bot.orders.orders import Orders
from bot.orders.schedule import KEPT, LOOP, ended_by
from bot.services.last_known import LastKnown
from storage import Store

# Nodes look every 15 minutes, later where the chain cannot be read.
_OFF_WITHIN = 4 * LOOP * SLOT
_DELETED_WITHIN = (KEPT + 4 * LOOP) * SLOT


class Aftermath:
    """Holds machines to the rentals of their node that have ended."""

    def __init__(self, store: Store, orders: Orders, last_known: LastKnown) -> None:
        self._store = store
        self._orders = orders
        self._last_known = last_known

    async def of(self, off: Sequence[Machine], missing: Sequence[Machine]) -> frozenset[TaskId]:
        """Those that a rental's end may have switched off or deleted.

        `seen_at` of each is when it was still as it was left.
        """
        found: set[TaskId] = set()
        for machines, within in ((off, _OFF_WITHIN), (missing, _DELETED_WITHIN)):
            for node in sorted({one.node for one in machines}):
                here = [one for one in machines if one.node == node]
                found |= await self._on_node(node, here, within)
        return frozenset(found)

    async def _on_node(
        self, node: NodeId, machines: Sequence[Machine], within: timedelta
    ) -> set[TaskId]:
        async with self._store.read() as tx:
            orders = await tx.orders.of_node(node)
        ended = [one for one in orders if self._has_ended(one)]
        if not ended:
            return set()
        if not any(one.phase is OrderPhase.RENTING for one in orders if one not in ended):
            return {one.task for one in machines}  # nothing there is rented any more
        return {
            one.task
            for one in machines
            if await self._is_of(
                [of for of in ended if not _outlived(one, of, within)], one, orders
            )
        }

    def _has_ended(self, order: RentalOrder) -> bool:
        """Whether its end has come, also where the chain was not read since."""
        if order.phase is OrderPhase.RENTING:
            return self._orders.is_past(order)
        return order.phase in {OrderPhase.ENDED, OrderPhase.GONE}

    async def _is_of(
        self, ended: Sequence[RentalOrder], machine: Machine, orders: Sequence[RentalOrder]
    ) -> bool:
        """Whether one of those that have ended may have paid for a machine that was there then."""
        async with self._store.read() as tx:
            session = await tx.sessions.find(machine.owner, machine.node)
        if session is None or session.is_locked:
            return False
        known = await self._last_known.find(session, machine.task)
        named = known.detail.rent_order if known is not None else ""
        paying = await self._orders.concerned.paying(orders, machine, named)
        over = [one for one in paying if one in ended]
        if named:
            return bool(over)
        return any([await self._orders.opens(one, [session]) for one in over])


def _outlived(machine: Machine, order: RentalOrder, within: timedelta) -> bool:
    """Whether a machine was as it was left longer than its node lets what belongs to an order."""
    ended = ended_by(order)
    return ended is not None and machine.seen_at > ended + within
