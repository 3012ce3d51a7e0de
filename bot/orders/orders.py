"""Watches rentals on the chain: finds them, looks when something may be due, tells it once.

An order is a row, leased while it is looked at. What is told is put into the outbox in the unit of
work that writes it down, under a key that names order, end, warning and person: so it is told once,
whoever does it and however often it is begun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.chain.errors import ChainError
from bot.chain.models import OrderOnChain
from bot.chain.reader import ChainReader, ChainView, OrderRef, Pallet
from bot.clock import Clock, shown
from bot.ids import ChannelId, UserId
from bot.messages.outbox import Outbox
from bot.model import DbcSession, NodeKind, OrderPhase, Place, RentalOrder
from bot.orders import words
from bot.orders.changes import Event, Looked, Read, looked, unread
from bot.orders.concerned import Concern, Concerned
from bot.orders.facts import Facts
from bot.orders.order_buttons import Handling
from bot.orders.schedule import head_at, next_look
from bot.reply import Reply, dump
from bot.services.inventory import Inventory
from storage import StorageFailed, Store, UnitOfWork

_LEASE = timedelta(minutes=2)
_DUE, _SIDE_BY_SIDE = 200, 10
# An order can be confirmed for 15 minutes: it has to be found well before they are over.
_FINDING = timedelta(seconds=30)
_WORTH_SAYING = timedelta(minutes=5)
_AGAIN = timedelta(seconds=30)  # after a chain that could not be read
_FOREIGN = timedelta(minutes=10)  # how long an order of nobody here is not asked for again

_OrdersOf = Callable[[], Awaitable[list[OrderRef]]]

log = structlog.get_logger()


class Orders:
    """Owns the rentals' rows. `channel` gives the one in which the rules let everybody be told."""

    def __init__(
        self,
        store: Store,
        chain: ChainReader,
        concerned: Concerned,
        inventory: Inventory,
        outbox: Outbox,
        clock: Clock,
        by: str,
        channel: Callable[[], str],
    ) -> None:
        self._store = store
        self.chain = chain
        self.concerned = concerned
        self._inventory = inventory
        self._outbox = outbox
        self._clock = clock
        self._by = by
        self._channel = channel
        self._found_at: timedelta | None = None
        self._foreign: dict[str, timedelta] = {}
        self._unread_since: timedelta | None = None

    async def poll_due(self) -> None:
        """Look at the chain for orders that are new, and at those whose time has come."""
        if not self.chain.is_on:
            return
        view = await self._view()
        await self._look_at_due(view)  # first: finding may take long, confirmations must not wait
        if view is not None and await self._find(view):
            await self._look_at_due(view)

    def impairments(self) -> tuple[str, ...]:
        """What is not done while the chain cannot be read, for the operator."""
        since = self._unread_since
        if since is None or self._clock.monotonic() - since < _WORTH_SAYING:
            return ()
        return ("The chain cannot be read. Of rentals, only the last warnings are given.",)

    async def _look_at_due(self, view: ChainView | None) -> None:
        now = self._clock.now()
        async with self._store.write() as tx:
            due = await tx.orders.claim_due(now, self._by, now + _LEASE, _DUE)
        for start in range(0, len(due), _SIDE_BY_SIDE):
            some = due[start : start + _SIDE_BY_SIDE]
            await asyncio.gather(*(self._look_safely(order, view) for order in some))
        if due:
            await self._outbox.deliver_due()

    async def _view(self) -> ChainView | None:
        try:
            view = await self.chain.view()
        except ChainError as error:
            if self._unread_since is None:
                self._unread_since = self._clock.monotonic()
                log.warning("chain.unread", problem=error.sentence, why=error.why)
            return None
        if self._unread_since is not None:
            self._unread_since = None
            log.info("chain.read_again")
        return view

    # Finding

    async def _find(self, view: ChainView) -> bool:
        """Store the orders of nodes with a session, and of wallets, that are not known yet.

        Says whether it was time to.
        """
        passed = self._clock.monotonic()
        if self._found_at is not None and passed - self._found_at < _FINDING:
            return False
        self._found_at = passed
        self._foreign = {one: at for one, at in self._foreign.items() if passed - at < _FOREIGN}
        known = await self._store.known()
        metals = {node.id for node in known.nodes(NodeKind.METAL, NodeKind.MANAGER)}
        nodes = {node for held in known.held.values() for node in held} - metals
        async with self._store.read() as tx:
            wallets = {wallet for _, wallet in await tx.orders.watched()}
            wallets |= {order.renter for order in await tx.orders.open()}
        places: list[tuple[_OrdersOf, str]] = [
            *((partial(view.orders_of_machine, node, view.best), node) for node in sorted(nodes)),
            *((partial(view.orders_of_wallet, one, view.best), one) for one in sorted(wallets)),
        ]

        async def find_in(orders_of: _OrdersOf, place: str) -> None:
            try:
                found = await orders_of()
                await self._keep_new(view, found, is_only=place in nodes and len(found) == 1)
            except ChainError as error:
                log.info("orders.not_found_out", of=place[:8], why=error.why)

        for start in range(0, len(places), _SIDE_BY_SIDE):
            some = places[start : start + _SIDE_BY_SIDE]
            await asyncio.gather(*(find_in(*one) for one in some))
        return True

    async def _keep_new(self, view: ChainView, found: Sequence[OrderRef], *, is_only: bool) -> None:
        ids = {id_of(ref): ref for ref in found}
        async with self._store.read() as tx:
            known = await tx.orders.known(ids)
        for order_id, ref in ids.items():
            if order_id not in known and order_id not in self._foreign:
                await self._keep(view, order_id, ref, is_only=is_only)

    async def _keep(self, view: ChainView, order_id: str, ref: OrderRef, *, is_only: bool) -> None:
        told = await view.order(ref, view.best)
        if told is None:
            return
        final = await view.order(ref, view.final)
        concerned = await self.concerned.of(
            told.machine_id, told.renter, ref.number, is_only=is_only
        )
        if not concerned.is_any:
            self._foreign[order_id] = self._clock.monotonic()
            return
        now = self._clock.now()
        new = replace(_order(order_id, ref, told, view, now), is_only=is_only)
        if final is not None and not final.is_waiting:  # a fork may still undo what is not final
            new = replace(new, phase=OrderPhase.RENTING)
        facts, places = await self._facts(new, view.newest.number, is_read=True)
        back = words.event(facts, Event.RETURNED)
        async with self._store.write() as tx:
            before = await tx.orders.find(order_id)
            if before is None:
                await tx.orders.add(new)
            elif await tx.orders.came_back(new):
                name = str(before.phase)  # as what its loss was told: that message says so now
                told_of = [(key_of(before, name, place), place, back) for place in places]
                await _put(tx, told_of, now)
        log.info("order.found", order=order_id, node=told.machine_id[:8], ends=told.rent_end)

    # Looking

    async def _look_safely(self, order: RentalOrder, view: ChainView | None) -> None:
        """One order's surprise is no other's; it is looked at again once the lease runs out."""
        try:
            found, head, is_read = await self._looked(order, view)
            await self._tell(order, found, head, is_read=is_read)
        except StorageFailed:
            raise
        except Exception:
            log.exception("order.look_failed", order=order.id)

    async def _looked(self, order: RentalOrder, view: ChainView | None) -> tuple[Looked, int, bool]:
        """What a look means, the newest block, and whether the chain was read."""
        try:
            if view is not None:
                ref = OrderRef(Pallet(order.pallet), order.number)
                final = await view.order(ref, view.final)
                best = await view.order(ref, view.best)
                found = looked(order, Read(final, best, view.final, view.newest))
                return found, view.newest.number, found.order.missing_since is None
        except ChainError as error:
            log.info("order.not_read", order=order.id, why=error.why)
        head = head_at(order, shown(self._clock, self._clock.now()))
        return unread(order, head), head, False

    async def _tell(self, before: RentalOrder, found: Looked, head: int, *, is_read: bool) -> None:
        """Write down what a look has shown, with the messages that say it."""
        now = self._clock.now()
        is_known = is_read or found.order.missing_since is not None
        at = next_look(found.order, head, now) if is_known else now + _AGAIN
        order = replace(found.order, next_look_at=at)
        messages: list[tuple[str, Place, Reply]] = []
        if found.event is not None or found.stage is not None:
            facts, places = await self._facts(order, head, is_read=is_read)
            messages = [
                (key, place, reply)
                for name, reply in _said(before, found, facts)
                for place in places
                for key in [key_of(order, name, place)]
            ]
        async with self._store.write() as tx:
            if await tx.orders.save(order, self._by):
                await _put(tx, messages, now)
                if found.event in {Event.RENEWED, Event.ENDED}:
                    await tx.orders.set_handled(order, renewer="", snoozed=False)

    # For commands

    async def facts(self, order: RentalOrder) -> Facts:
        """What is said of an order, from what was read last."""
        head = head_at(order, shown(self._clock, self._clock.now()))
        return (await self._facts(order, head, is_read=True))[0]

    async def of_person(self, user: UserId) -> list[RentalOrder]:
        """The orders that somebody is told of, the first end first."""
        async with self._store.read() as tx:
            known = await tx.orders.open()
        return [order for order in known if await self.tells(order, user)]

    async def of_person_after(self, user: UserId, block: int) -> list[RentalOrder]:
        """The same of all orders that ended after a block or have not ended, over or not."""
        async with self._store.read() as tx:
            known = await tx.orders.after(block)
        return [order for order in known if await self.tells(order, user)]

    async def opens(self, order: RentalOrder, sessions: Sequence[DbcSession]) -> bool:
        """Whether one of these sessions shows an order's machines."""
        pairs = {(session.user, session.node) for session in sessions}
        concerned = await self._concern(order)
        return any((one.user, one.node) in pairs for one in concerned.sessions)

    async def tells(self, order: RentalOrder, user: UserId) -> bool:
        """Whether somebody is told of an order: whoever is not may not know of it."""
        concerned = await self._concern(order)
        machines = await self.concerned.machines(order, concerned)
        return user in await self.concerned.people(concerned, machines, order.node)

    async def handle(self, order: RentalOrder, user: UserId, handling: Handling) -> bool:
        """Write down that somebody renews it or wants fewer warnings, and tell all who are told.

        Says whether that is new.
        """
        now = self._clock.now()
        head = head_at(order, shown(self._clock, now))
        facts, places = await self._facts(order, head, is_read=True)
        is_snooze = handling is Handling.SNOOZE
        told = words.snoozed(facts, user) if is_snooze else words.taken(facts, user)
        messages = [
            (key_of(order, str(handling).replace(".", "-"), one), one, told) for one in places
        ]
        async with self._store.write() as tx:
            if is_snooze:
                is_new = await tx.orders.set_handled(order, snoozed=True)
            else:
                is_new = await tx.orders.set_handled(order, renewer=user)
            if is_new:
                await _put(tx, messages, now)
        return is_new

    async def used_with(self, sessions: Sequence[DbcSession]) -> list[RentalOrder]:
        """The orders that these sessions stand for, the first end first."""
        pairs = {(session.user, session.node): session.rent_order for session in sessions}
        async with self._store.read() as tx:
            known = await tx.orders.open()
        found = []
        for order in known:
            concerned = await self._concern(order)
            used = [pairs.get((one.user, one.node)) for one in concerned.sessions]
            if any(number in {"", str(order.number)} for number in used if number is not None):
                found.append(order)
        return found

    async def _concern(self, order: RentalOrder) -> Concern:
        return await self.concerned.of(
            order.node, order.renter, order.number, is_only=order.is_only
        )

    async def _facts(
        self, order: RentalOrder, head: int, *, is_read: bool
    ) -> tuple[Facts, list[Place]]:
        concerned = await self._concern(order)
        machines = await self.concerned.machines(order, concerned)
        people = await self.concerned.people(concerned, machines, order.node)
        node = await self._inventory.label(order.node)
        facts = Facts(order, node, self._clock.now(), head, machines, is_read)
        return facts, [Place(ChannelId(one)) for one in (*people, self._channel()) if one]


def id_of(ref: OrderRef) -> str:
    """What an order is called in the database."""
    return f"{ref.pallet}.{ref.number}"


def key_of(order: RentalOrder, name: str, place: Place) -> str:
    """The key of a message: the same thing is told in one place once, for ever."""
    about = order.began if name.startswith("confirm") else order.ends
    return f"order:{order.id}.{about}.{name.replace(':', '-')}.{place.channel}"


def _said(before: RentalOrder, found: Looked, facts: Facts) -> list[tuple[str, Reply]]:
    """The messages by name. The countdown is one message, which also says how it ended."""
    if found.stage is not None:
        is_deletion = found.order.phase is OrderPhase.ENDED
        if is_deletion and facts.machines is not None and not facts.machines:
            return []  # none of its machines is left
        name = found.stage.name.partition(":")[0]
        told = words.warning(facts, found.stage)
        return [(name if name == "confirm" else found.stage.name, told)]
    if found.event is None:
        return []
    told = words.event(facts, found.event)
    if found.event is Event.CONFIRMED:
        return [("confirm", told)]
    named = [(str(found.event), told)]
    if before.phase is OrderPhase.WAITING and before.told:
        named.append(("confirm", told))
    return named


async def _put(tx: UnitOfWork, messages: Sequence[tuple[str, Place, Reply]], now: datetime) -> None:
    for key, place, reply in messages:
        await tx.messages.put(key, place, dump(reply), now)


def _order(
    order_id: str, ref: OrderRef, told: OrderOnChain, view: ChainView, now: datetime
) -> RentalOrder:
    return RentalOrder(
        id=order_id,
        number=ref.number,
        node=told.machine_id,
        renter=told.renter,
        phase=OrderPhase.WAITING,
        began=told.rent_start,
        ends=told.rent_end,
        gpus=told.gpu_index,
        stake=told.stake_amount,
        seen_block=view.newest.number,
        seen_at=view.newest.at,
        first_block=view.newest.number,
        first_at=view.newest.at,
        next_look_at=now,
        created_at=now,
    )
