"""Which machines are off or gone since their rental has ended, as far as that can be told."""

from collections.abc import Sequence
from datetime import timedelta

from bot.chain.heads import SLOT
from bot.clock import Clock
from bot.ids import NodeId
from bot.model import Machine, MachineKey, OrderPhase, RentalOrder
from bot.orders.facts import pace
from bot.orders.orders import Orders
from bot.orders.schedule import KEPT, LOOP, ended_by
from bot.services.last_known import LastKnown
from storage import Store

# Nodes look every 15 minutes, later where the chain cannot be read.
_OFF_WITHIN = 4 * LOOP * SLOT
_DELETED_WITHIN = (KEPT + 4 * LOOP) * SLOT


# So long after it was read last, an order switches off and deletes nothing any more.
_TOLD_OF_ENDED = timedelta(days=2)
_TOLD_OF_LOST = timedelta(days=66)  # it may have been rented for 60 days


class Aftermath:
    """Holds machines to the rentals of their node that have ended or lapsed."""

    def __init__(self, store: Store, orders: Orders, last_known: LastKnown, clock: Clock) -> None:
        self._store = store
        self._orders = orders
        self._last_known = last_known
        self._clock = clock

    async def nodes(self) -> frozenset[NodeId]:
        """The nodes where a rental's end may switch off or delete machines by now."""
        now = self._clock.now()
        async with self._store.read() as tx:
            return await tx.orders.nodes_of_ended(now - _TOLD_OF_ENDED, now - _TOLD_OF_LOST)

    async def of(self, off: Sequence[Machine], missing: Sequence[Machine]) -> frozenset[MachineKey]:
        """Those that a rental's end may have switched off or deleted.

        `seen_at` of each is when it was still as it was left.
        """
        found: set[MachineKey] = set()
        for machines, within in ((off, _OFF_WITHIN), (missing, _DELETED_WITHIN)):
            for node in sorted({one.node for one in machines}):
                here = [one for one in machines if one.node == node]
                found |= await self._on_node(node, here, within)
        return frozenset(found)

    async def _on_node(
        self, node: NodeId, machines: Sequence[Machine], within: timedelta
    ) -> set[MachineKey]:
        async with self._store.read() as tx:
            orders = await tx.orders.of_node(node)
        ended = [one for one in orders if self._has_ended(one)]
        if not ended:
            return set()
        is_rented = any(one.phase is OrderPhase.RENTING for one in orders if one not in ended)
        if not is_rented:  # then the node switches off all that is on it
            within = _DELETED_WITHIN
        found = set[MachineKey]()
        for machine in machines:
            able = [one for one in ended if not _outlived(machine, one, within)]
            if able and (not is_rented or await self._is_of(able, machine, orders)):
                found.add((machine.node, machine.task))
        return found

    def _has_ended(self, order: RentalOrder) -> bool:
        """Whether its end has come, also where the chain was not read since, or it has lapsed."""
        if order.phase is OrderPhase.RENTING:
            return self._orders.is_past(order)
        return order.phase is not OrderPhase.WAITING

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
        return any([await self._orders.holdings.opens(one, [session]) for one in over])


def _outlived(machine: Machine, order: RentalOrder, within: timedelta) -> bool:
    """Whether a machine was as it was left longer than its node lets what belongs to an order.

    What belongs to one that has lapsed may go at any moment until the end that it would have had.
    """
    ended = ended_by(order)
    if order.phase in {OrderPhase.LAPSED, OrderPhase.VANISHED}:
        ended = order.seen_at + (order.ends - order.seen_block) * pace(order)
    return ended is not None and machine.seen_at > ended + within
