"""Finds rentals on the chain that are not known here yet: those of our nodes and of wallets."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial

import structlog

from bot.chain.errors import ChainDisagrees, ChainError, Impossible
from bot.chain.models import OrderOnChain
from bot.chain.reader import ChainView, OrderRef, Pallet, together
from bot.clock import Clock
from bot.ids import NodeId, UserId
from bot.model import DbcSession, NodeKind, OrderPhase, RentalOrder
from bot.orders.changes import is_same
from bot.orders.concerned import Concerned
from bot.orders.schedule import CONFIRM_WITHIN, reached
from bot.orders.unread import Unread
from bot.orders.unreadable import Odd, Unreadable
from storage import Store

_SIDE_BY_SIDE = 10
_FOREIGN = timedelta(minutes=10)  # how long an order of nobody here is not asked for again

_Finds = Mapping[str, Callable[[], Awaitable[bool]]]  # by name; says whether all could be read
# The order as it is taken up again, and as it was when it was told to be lost.
Returned = Callable[[RentalOrder, RentalOrder], Awaitable[None]]

log = structlog.get_logger()


class Search(Enum):
    """How far the chain was searched for somebody's orders; `PARTLY`: some make no sense."""

    DONE = auto()
    PARTLY = auto()
    GOES_ON = auto()
    UNREAD = auto()


@dataclass
class Searched:
    """How far the chain was searched, and since when it cannot be read: dry runs know it as well.

    `partly` are the nodes and wallets that were not wholly read in the last search, which began
    `at`.
    """

    at: datetime | None = None
    partly: frozenset[str] = frozenset()
    unread_since: timedelta | None = None
    odd: Unreadable = field(default_factory=Unreadable)


class Finder:
    """Looks for new rentals. `view` gives the chain as it is, `returned` takes up lost ones."""

    def __init__(
        self,
        store: Store,
        concerned: Concerned,
        clock: Clock,
        view: Callable[[], Awaitable[ChainView]],
        returned: Returned,
        searched: Searched,
    ) -> None:
        self._store = store
        self._concerned = concerned
        self._clock = clock
        self._view = view
        self._returned = returned
        self._foreign: dict[tuple[str, bool], timedelta] = {}  # and whether its node has no other
        self._known_to: tuple[object, object] = (), ()  # sessions and wallets, at the last search
        self._searched = searched
        self._odd: dict[str, Odd] = {}  # of the present search
        self._turns = asyncio.Semaphore(_SIDE_BY_SIDE)  # of all orders, whoever names them
        self._unread = Unread(clock, "orders.not_found_out", "orders.found_out_again")

    async def find(self) -> None:
        """Store the orders of nodes with a session, and of wallets, that are not known yet."""
        began, known = self._clock.now(), await self._store.known()
        metals = {node.id for node in known.nodes(NodeKind.METAL, NodeKind.MANAGER)}
        nodes = {node for held in known.held.values() for node in held} - metals
        async with self._store.read() as tx:
            watched = await tx.orders.watched()
            wallets = {wallet for _, wallet in watched}
            living = await tx.orders.open()
        wallets |= {order.renter for order in living}
        self._odd = {}
        self._forget_foreign(known.held, watched)
        self._searched.partly = await self._side_by_side(
            {
                **{node: partial(self._on_node, node) for node in sorted(nodes)},
                **{wallet: partial(self._of_wallet, wallet) for wallet in sorted(wallets)},
            },
            asyncio.Semaphore(_SIDE_BY_SIDE),
        )
        self._searched.odd.searched(
            self._odd, self._searched.partly, {order.id for order in living}
        )
        self._searched.at = began
        self._unread.tell()

    async def search_of(self, user: UserId, also: Sequence[DbcSession] = ()) -> Search:
        """Whether the last search has found all orders of somebody that the chain has.

        `also` of the nodes of these sessions. What a session or a wallet that was added since
        stands for has not been looked for yet.
        """
        at, sessions = self._searched.at, [*(await self._store.known()).usable(user), *also]
        async with self._store.read() as tx:
            watched = await tx.orders.watched_by(user)
        names = {one.node for one in sessions} | watched.keys()
        if not self._searched.partly.isdisjoint(names):
            return Search.UNREAD
        added = [one.added_at for one in sessions if one.added_at is not None]
        is_done = at is not None and all(one < at for one in (*added, *watched.values()))
        if not is_done:
            return Search.GOES_ON
        return Search.PARTLY if self._searched.odd.among(names) else Search.DONE

    def _forget_foreign(
        self,
        held: Mapping[UserId, Mapping[NodeId, DbcSession]],
        watched: Sequence[tuple[str, str]],
    ) -> None:
        """Ask again for what was nobody's long ago, or before somebody gave a session or wallet."""
        passed = self._clock.monotonic()
        kept = self._foreign if self._known_to == (held, watched) else {}
        self._foreign = {one: at for one, at in kept.items() if passed - at < _FOREIGN}
        self._known_to = held, watched

    async def _side_by_side(self, finds: _Finds, turns: asyncio.Semaphore) -> frozenset[str]:
        """Do all of them; the names of those of which not all could be read."""

        async def safely(name: str, find: Callable[[], Awaitable[bool]]) -> bool:
            async with turns:
                try:
                    is_whole = await find()
                except ChainError as error:  # one that cannot be read hides no other
                    self._unread.failed(name, error.why)
                    return name in self._odd  # to read it again would change nothing
            self._unread.read(name)
            return is_whole

        whole = await asyncio.gather(*(safely(*one) for one in finds.items()))
        return frozenset(name for name, is_whole in zip(finds, whole, strict=True) if not is_whole)

    async def _on_node(self, node: NodeId) -> bool:
        view = await self._view()
        found = await each_once(view, await view.orders_of_machine(node, view.best))
        return await self._keep_new(view, found, node, is_only=len(found) == 1)

    async def _of_wallet(self, wallet: str) -> bool:
        view = await self._view()
        found = await each_once(view, await view.orders_of_wallet(wallet, view.best))
        return await self._keep_new(view, found, wallet, is_only=False)

    async def _keep_new(
        self, view: ChainView, found: list[OrderRef], owner: str, *, is_only: bool
    ) -> bool:
        """Store those that are new of an `owner`; says whether all of them could be read."""
        ids = {id_of(ref): ref for ref in found}
        async with self._store.read() as tx:
            known = await tx.orders.known(ids, view.genesis)
        if is_only and known:
            await self._note_the_only_one(*known)
        return not await self._side_by_side(
            {
                order_id: partial(self._keep, order_id, ref, owner, is_only=is_only)
                for order_id, ref in ids.items()
                if order_id not in known and (order_id, is_only) not in self._foreign
            },
            self._turns,
        )

    async def _note_the_only_one(self, order_id: str) -> None:
        async with self._store.read() as tx:
            order = await tx.orders.find(order_id)
        if order is not None and not order.is_only:
            async with self._store.write() as tx:
                await tx.orders.is_the_only_one(order_id)

    async def _keep(self, order_id: str, ref: OrderRef, owner: str, *, is_only: bool) -> bool:
        view = await self._view()
        try:
            told, final = await _read(view, ref)
        except Impossible:
            others = self._odd[order_id].names if order_id in self._odd else frozenset()
            self._odd[order_id] = Odd(ref.number, others | {owner})
            raise
        if told is None:
            return True
        concerned = await self._concerned.of(
            told.machine_id, told.renter, ref.number, is_only=is_only
        )
        if not concerned.is_any:
            self._foreign[order_id, is_only] = self._clock.monotonic()
            return True
        now = self._clock.now()
        new = replace(
            order_of(ref, told, view),
            phase=OrderPhase.WAITING,
            next_look_at=now,
            created_at=now,
            is_only=is_only,
        )
        first = new
        # A fork may still undo what is not final.
        if final is not None and is_same(new, final) and not final.is_waiting:
            new = replace(new, phase=OrderPhase.RENTING)
            is_new = view.newest.number - new.began <= CONFIRM_WITHIN
            # Made and confirmed before anybody saw it: the next look tells of it.
            is_untold = is_new and reached(new, view.head) is None
            first = replace(first, newest_ends=told.rent_end) if is_untold else new
        async with self._store.write() as tx:
            before = await tx.orders.find(order_id)
            if before is None:
                await tx.orders.add(first)
        if before is not None:
            await self._returned(new, before)
        if before is None or before.phase.is_over:  # else another search has found it meanwhile
            log.info("order.found", order=order_id, node=told.machine_id[:8], ends=told.rent_end)
        return True


async def _read(view: ChainView, ref: OrderRef) -> tuple[OrderOnChain | None, OrderOnChain | None]:
    """The order at the newest and at the final block.

    Of one that not all nodes have, only the former: nobody knows who is right, but if it is not
    confirmed, it is lost within minutes.
    """
    try:
        best, final = await together(*(view.order(ref, at) for at in (view.best, view.final)))
    except ChainDisagrees:
        return await view.order_of_any(ref, view.best), None
    return best, final


async def each_once(view: ChainView, refs: Sequence[OrderRef]) -> list[OrderRef]:
    """Without those that the older pallet tells of, and that are an order of the newer one.

    Each pallet counts by itself, so one number alone says nothing. Raises ChainError.
    """
    newer = {ref.number for ref in refs if ref.pallet is Pallet.RENT}
    return [
        ref
        for ref in refs
        if ref.pallet is Pallet.RENT or ref.number not in newer or not await _is_guise(view, ref)
    ]


async def _is_guise(view: ChainView, ref: OrderRef) -> bool:
    """Whether the newer pallet has the very same order."""
    newer = OrderRef(Pallet.RENT, ref.number)
    try:
        one, other = await together(*(view.order_of_any(at, view.best) for at in (ref, newer)))
    except Impossible:  # as another one, it is told to be that
        return False
    if one is None or other is None:
        return False
    return is_same(order_of(ref, one, view), other) and one.gpu_index == other.gpu_index


def id_of(ref: OrderRef) -> str:
    """What an order is called in the database."""
    return f"{ref.pallet}.{ref.number}"


def order_of(ref: OrderRef, told: OrderOnChain, view: ChainView) -> RentalOrder:
    """An order as the chain has it, of which nothing is stored yet."""
    return RentalOrder(
        id=id_of(ref),
        number=ref.number,
        node=told.machine_id,
        renter=told.renter,
        phase=OrderPhase.WAITING if told.is_waiting else OrderPhase.RENTING,
        began=told.rent_start,
        ends=told.rent_end,
        gpus=told.gpu_index,
        stake=told.stake_amount,
        seen_block=view.newest.number,
        seen_at=view.newest.at,
        first_block=view.newest.number,
        first_at=view.newest.at,
        next_look_at=view.newest.at,
        created_at=view.newest.at,
        chain=view.genesis,
    )
