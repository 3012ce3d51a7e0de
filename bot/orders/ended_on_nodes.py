"""Rentals that ended before anybody here knew of them: their nodes still name them, the chain not.

A node never notices that an order has ended (docs/orders.md), so its word counts only for one that
the chain has no more, and whose machines it still keeps.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from pydantic import TypeAdapter, ValidationError

from bot.chain.errors import BlockDisputed, BlockUnknown, ChainError
from bot.chain.models import OrderOnChain, Wallet
from bot.chain.reader import ChainView, OrderRef, Pallet
from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import DbcError
from bot.dbc.models import RentOrder
from bot.ids import NodeId, UserId
from bot.model import DbcSession, NodeKind, OrderPhase, RentalOrder
from bot.orders.finding import Search, id_of, order_of
from bot.orders.orders import Orders
from bot.orders.schedule import KEPT
from bot.services.inventory import Inventory
from storage import Store

_SIDE_BY_SIDE = 10
_AGAIN = timedelta(minutes=10)  # after a node or a chain that did not tell
_DIGITS = 18  # of an order's number: what the database can keep
_MOST_GPUS = 64  # of an order that are kept
_WALLET: TypeAdapter[str] = TypeAdapter(Wallet)
_Key = tuple[UserId, NodeId, datetime | None]

log = structlog.get_logger()


class EndedOnNodes:
    """Asks each node once at a start, and once for each new session."""

    def __init__(
        self, store: Store, orders: Orders, dbc: DbcClient, inventory: Inventory, clock: Clock
    ) -> None:
        self._store = store
        self._orders = orders
        self._dbc = dbc
        self._inventory = inventory
        self._clock = clock
        self._asked: set[_Key] = set()
        self._again: dict[NodeId, timedelta] = {}

    async def look(self) -> None:
        """Take up what the nodes of new sessions name, and tell it at once."""
        if not self._orders.chain.is_on:
            return
        known, passed = await self._store.known(), self._clock.monotonic()
        metals = {node.id for node in known.nodes(NodeKind.METAL, NodeKind.MANAGER)}
        held = [one for some in known.held.values() for one in some.values()]
        self._asked &= {_key(one) for one in held}
        new: dict[NodeId, list[DbcSession]] = defaultdict(list)
        for one in held:
            is_due = self._again.get(one.node, passed) <= passed
            if one.node not in metals and is_due and _key(one) not in self._asked:
                new[one.node].append(one)
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def asked(node: NodeId, sessions: Sequence[DbcSession]) -> bool:
            async with turns:
                return await self._at(node, sessions)

        if any(await asyncio.gather(*(asked(*one) for one in new.items()))):
            await self._orders.poll_due()

    async def _at(self, node: NodeId, sessions: Sequence[DbcSession]) -> bool:
        """Ask a node, once its machines and living orders were looked for; whether one is new."""
        lists = self._inventory.lists
        if self._dbc.silence(node) or not all(lists.has_asked(one) for one in sessions):
            return False
        searched = {await self._orders.search_of(one.user) for one in sessions}
        if searched & {Search.GOES_ON, Search.UNREAD}:
            return False
        is_new, is_whole = False, True
        try:
            named = await self._dbc.nodes.rent_orders(node)
            view = await self._orders.chain.view()
            orders = [one for one in named if _is_one(one)]
            for one in orders:
                found = await self._taken_up(view, node, one, is_only=len(orders) == 1)
                is_new, is_whole = is_new or found is True, is_whole and found is not None
        except (DbcError, ChainError) as problem:
            log.info("orders.ended_not_found_out", node=node[:8], problem=problem.sentence)
            is_whole = False
        if is_whole:
            self._asked |= {_key(one) for one in sessions}
            self._again.pop(node, None)
        else:
            self._again[node] = self._clock.monotonic() + _AGAIN
        return is_new

    async def _taken_up(
        self, view: ChainView, node: NodeId, told: RentOrder, *, is_only: bool
    ) -> bool | None:
        """Store it if its end must be told; whether it did so. None while the chain cannot say."""
        if told.rent_end is None:
            return False
        if not view.head - KEPT < told.rent_end <= view.head:
            return False
        if told.rent_end > view.final.number:
            return None
        ref = OrderRef(Pallet.RENT, int(told.id))
        living = await view.orders_of_machine(node, view.best)
        if ref.number in {one.number for one in living} or await view.order_of_any(ref, view.best):
            return False
        async with self._store.read() as tx:
            is_known = await tx.orders.find(id_of(ref)) is not None
            here = await tx.orders.of_node(node)
        if is_known or ref.number in {one.number for one in here}:
            return False
        order = await self._order(view, node, told, ref)
        if order is None:
            return False
        order = replace(order, is_only=is_only and not living)
        is_new = await self._is_worth_telling(order, here)
        if is_new:
            async with self._store.write() as tx:
                is_new = await tx.orders.add(order)
            log.info("order.found_ended", order=order.id, node=node[:8], ended=order.ends)
        return is_new

    async def _order(
        self, view: ChainView, node: NodeId, told: RentOrder, ref: OrderRef
    ) -> RentalOrder | None:
        """As the chain had it before its end, else as the node names it; None of one it had not."""
        ends, now = told.rent_end or 0, self._clock.now()
        try:
            was: OrderOnChain | None = await view.order(ref, await view.block(ends - 1))
        except (BlockUnknown, BlockDisputed):  # most nodes keep the state of 256 blocks
            return RentalOrder(
                id=id_of(ref),
                number=ref.number,
                node=node,
                renter=told.renter,
                phase=OrderPhase.RENTING,
                began=ends,
                ends=ends,
                gpus=_gpus(told),
                stake=0,
                seen_block=view.newest.number,
                seen_at=view.newest.at,
                first_block=view.newest.number,
                first_at=view.newest.at,
                next_look_at=now,
                created_at=now,
                chain=view.genesis,
            )
        if was is None or (was.machine_id, was.renter) != (node, told.renter):
            return None
        return replace(order_of(ref, was, view), next_look_at=now, created_at=now)

    async def _is_worth_telling(
        self, order: RentalOrder, here: Sequence[RentalOrder]
    ) -> bool | None:
        """Whether to tell it: beside a living order of its renter only where a machine is its own.

        None where that is not known yet.
        """
        concerned = self._orders.concerned
        concern = await concerned.of(order.node, order.renter, order.number, is_only=order.is_only)
        if not concern.sessions:
            return False
        goes_on = {OrderPhase.WAITING, OrderPhase.RENTING}
        has_other = any(one.renter == order.renter and one.phase in goes_on for one in here)
        if not has_other:
            return True
        machines = await concerned.machines(replace(order, phase=OrderPhase.ENDED), concern)
        if machines is None or any(one.disks is None for one in machines):
            return None
        return any(one.is_sure for one in machines)


def _key(session: DbcSession) -> _Key:
    return session.user, session.node, session.added_at


def _gpus(told: RentOrder) -> tuple[int, ...]:
    return tuple(one for one in told.gpu_index[:_MOST_GPUS] if one is not None and one >= 0)


def _is_one(told: RentOrder) -> bool:
    """Whether a node names an order: of a whole machine it names the renter."""
    try:
        _WALLET.validate_python(told.renter)
    except ValidationError:
        return False
    return told.id.isascii() and told.id.isdecimal() and len(told.id) <= _DIGITS
