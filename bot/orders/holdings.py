"""Which orders are somebody's: those they are told of, and those that sessions stand for."""

from collections.abc import Callable, Sequence, Set
from datetime import datetime

from bot.chain.heads import SLOT
from bot.ids import NodeId, UserId
from bot.model import DbcSession, RentalOrder
from bot.orders.concerned import Concern, Concerned, People
from bot.orders.facts import AtStake
from bot.orders.schedule import KEPT, LOOP, by_newest, can_be_rescued
from storage import Store


class Holdings:
    """Finds the orders of people and sessions. `head`: the newest block of an order's chain."""

    def __init__(
        self, store: Store, concerned: Concerned, head: Callable[[RentalOrder], int]
    ) -> None:
        self._store = store
        self._concerned = concerned
        self._head = head

    async def of_person(self, user: UserId, node: NodeId | None = None) -> list[RentalOrder]:
        """The orders that somebody is told of, on that `node` or any, the first end first."""
        async with self._store.read() as tx:
            known = await (tx.orders.open() if node is None else tx.orders.open_on({node}))
        return [order for order in known if await self.tells(order, user)]

    async def of_person_after(self, user: UserId, block: int) -> list[RentalOrder]:
        """The same of all orders that ended after a block or have not ended, over or not."""
        async with self._store.read() as tx:
            known = await tx.orders.after(block)
        return [order for order in known if await self.tells(order, user)]

    async def has_any(self, user: UserId) -> bool:
        """Whether somebody is told of any order, over or not."""
        async with self._store.read() as tx:
            known = await tx.orders.after(0)
        for order in reversed(known):
            if await self.tells(order, user):
                return True
        return False

    async def to_rescue(self, user: UserId) -> list[RentalOrder]:
        """Those that somebody is told of, of which there may be machines to copy from."""
        async with self._store.read() as tx:
            known = await tx.orders.after(0)
        some = [one for one in known if can_be_rescued(by_newest(one), self._head(one))]
        return [order for order in some if await self.tells(order, user)]

    async def opens(self, order: RentalOrder, sessions: Sequence[DbcSession]) -> bool:
        """Whether one of these sessions shows an order's machines."""
        pairs = {(session.user, session.node) for session in sessions}
        concerned = await self.concern(order)
        return any((one.user, one.node) in pairs for one in concerned.sessions)

    async def tells(self, order: RentalOrder, user: UserId) -> bool:
        """Whether somebody is told of an order: whoever is not may not know of it."""
        return user in await self._people(order)

    async def sees(self, order: RentalOrder, user: UserId) -> bool:
        """Whether somebody may see an order's machines, and say who renews it."""
        return (await self._people(order)).get(user, False)

    async def _people(self, order: RentalOrder) -> People:
        concerned = await self.concern(order)
        machines = await self._concerned.machines(order, concerned)
        return await self._concerned.people(concerned, machines, order.node)

    async def machines_of(self, order: RentalOrder) -> tuple[AtStake, ...]:
        """The machines that are lost with an order, as far as they are known here."""
        return await self._concerned.machines(order, await self.concern(order)) or ()

    async def used_with(self, sessions: Sequence[DbcSession]) -> list[RentalOrder]:
        """The orders that these sessions stand for, the first end first."""
        async with self._store.read() as tx:
            known = await tx.orders.open_on({session.node for session in sessions})
        return await self._concerned.used_with(sessions, known)

    async def last_used_with(self, sessions: Sequence[DbcSession]) -> RentalOrder | None:
        """Of the orders that are over, the last one that these sessions of a node stood for."""
        async with self._store.read() as tx:
            known = await tx.orders.last_over_on(*_stood_for(sessions))
        found = await self._concerned.used_with(sessions, known)
        return max(found, key=lambda one: one.began, default=None)

    async def used_and_left(
        self,
        sessions: Sequence[DbcSession],
        is_wanted: Callable[[RentalOrder, Set[NodeId]], bool],
        since: datetime,
    ) -> tuple[list[RentalOrder], list[RentalOrder]]:
        """The orders that these sessions stand for, and those of them that have lapsed or are gone.

        Of these the wanted ones alone, beside the nodes of which others are used. Of those that are
        gone, the last one of each renter, and those whose machines may have been deleted `since`.
        """
        nodes, numbers = _stood_for(sessions)
        async with self._store.read() as tx:
            known = await tx.orders.open_on(nodes)
            over = await tx.orders.left_on(nodes, numbers, since - LOOP * SLOT, KEPT)
        used = await self._concerned.used_with(sessions, known)
        living = {one.node for one in used}
        left = [one for one in over if is_wanted(one, living)]
        return used, await self._concerned.used_with(sessions, left)

    async def concern(self, order: RentalOrder) -> Concern:
        """Who has to do with an order, and with which sessions."""
        return await self._concerned.of(
            order.node, order.renter, order.number, is_only=order.is_only
        )


def _stood_for(sessions: Sequence[DbcSession]) -> tuple[set[NodeId], set[int]]:
    """The nodes of sessions, and the numbers of the orders that they name."""
    named = {session.rent_order for session in sessions}
    return {one.node for one in sessions}, {int(number) for number in named if number.isdecimal()}
